import { afterEach, beforeEach, expect, it } from "vitest";
import { examine } from "../../src/schema/drift/find-drift.js";
import { maintainHistory } from "../../src/index.js";
import { createDatabase, type TestDatabase } from "../support/database.js";
import { partitions } from "../sql/history/partitions.js";

let db: TestDatabase;
let name: string;
beforeEach(async () => {
  db = await createDatabase();
  await maintainHistory(db.sql, {});
  name = (await partitions(db.sql)).at(-1) ?? "";
});
afterEach(() => db.drop());

it("partitions of the history that maintain_history made are as their parent, however many there are", async () => {
  expect(await partitions(db.sql)).toHaveLength(3);
  expect(await examine(db.sql)).toEqual({ differences: [], warnings: [] });
});

it.each([
  ["trigger", "drop trigger guard_truncate on %", { difference: "missing", name: "guard_truncate on %" }],
  [
    "enabled trigger",
    "alter table % disable trigger guard_history",
    {
      difference: "changed",
      name: "guard_history on %",
      property: "is",
      expected: null,
      actual: "switched off",
    },
  ],
])("of a partition without its %s", async (_, ddl, difference) => {
  await db.sql.unsafe(ddl.replace("%", name));
  const { differences, warnings } = await examine(db.sql);
  expect({ differences, warnings }).toEqual({
    differences: [{ kind: "trigger", ...difference, name: difference.name.replace("%", name) }],
    warnings: [],
  });
});

it("an index of the parent alone, which a partition lacks, is a difference", async () => {
  await db.sql`create index extra on only vmstate.history (role)`;
  const { differences, warnings } = await examine(db.sql);
  expect(differences.map((each) => [each.difference, each.kind, each.name])).toContainEqual([
    "missing",
    "index",
    `btree (role) on ${name}`,
  ]);
  expect(warnings.map((each) => each.name)).toContain("vmstate.extra");
});

it("what a user adds to a partition is a warning", async () => {
  await db.sql.unsafe(`create index mine on ${name} (role)`);
  expect(await examine(db.sql)).toEqual({
    differences: [],
    warnings: [
      { difference: "added", kind: "index", name: `btree (role) on ${name}`, property: null, actual: null },
    ],
  });
});

it("the default that is gone is a difference", async () => {
  await db.sql`drop table vmstate.history_default`;
  const { differences } = await examine(db.sql);
  expect(differences).toEqual([{ difference: "missing", kind: "table", name: "vmstate.history_default" }]);
});
