import { randomInt } from "node:crypto";
import { expect, it } from "vitest";
import { createDatabase, createEmptyDatabase } from "../../support/database.js";
import { mutate } from "../mutants/mutate.js";
import { compareSchemas } from "./compare.js";
import { migrateUntil } from "./migrate-until.js";

/** The schema before the shortcuts of reports and sagas. */
const EARLIER = 16;

it("every call is answered as by the schema before the shortcuts, and leaves the same rows", async () => {
  await using newest = await createDatabase();
  await using earlier = await createEmptyDatabase();
  await migrateUntil(earlier.sql, EARLIER);
  const seed = randomInt(2 ** 31);
  const { found, calls } = await compareSchemas(
    { newest: newest.sql, earlier: earlier.sql },
    { seed, sequences: 30 },
  );
  expect(found).toEqual([]);
  expect(calls).toBeGreaterThan(200);
});

it.each([
  {
    name: "an answer that is another one",
    change: { file: "shared/rows/replayed_begin", from: "<> 'saga_unwound'", to: "= 'saga_unwound'" },
    where: "answer.",
  },
  {
    name: "a row that is another one",
    change: {
      file: "verbs/control_plane/rename_instance",
      from: "SET name = p_name",
      to: "SET name = i.name",
    },
    where: "instance.",
  },
])("$name is found", async ({ change, where }) => {
  await using newest = await createDatabase();
  await using earlier = await createEmptyDatabase();
  await migrateUntil(earlier.sql, EARLIER);
  await mutate(newest.sql, change);
  const { found } = await compareSchemas(
    { newest: newest.sql, earlier: earlier.sql },
    { seed: 5, sequences: 300 },
  );
  expect(found).toEqual([expect.stringContaining(where)]);
});
