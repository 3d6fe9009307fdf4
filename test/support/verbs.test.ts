import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { withDatabase } from "./database.js";
import { expectEveryVerb } from "./every-verb.js";
import { forgottenVerbs, LEFT_OUT, readVerbs, VERB_FILES } from "./verbs.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const db = withDatabase();

it("every verb of the database has a file in a folder of sql/verbs, and every such file is of a verb", async () => {
  const files = VERB_FILES.map((file) => basename(file, ".sql"));
  expect(await readVerbs(db.sql)).toEqual(files.sort());
});

it("every verb has a test file of its own", async () => {
  const files = ["verbs", "access"].flatMap((folder) => readdirSync(`${ROOT}test/sql/${folder}`));
  await expectEveryVerb(
    db.sql,
    "test/sql/verbs",
    files.map((file) => basename(file, ".test.ts")),
  );
});

it("docs/model.md names every verb", async () => {
  const model = readFileSync(`${ROOT}docs/model.md`, "utf8");
  await expectEveryVerb(db.sql, "docs/model.md", model.match(/\w+/g) ?? []);
});

it.each(LEFT_OUT)(
  "$verbs: the list says in a sentence why places do without them",
  ({ verbs, places, why }) => {
    expect([verbs.length, places.length].every((length) => length > 0)).toBe(true);
    expect(why).toMatch(/^[A-Z].{20,}\.$/);
  },
);

it("an entry of the list is named when the place covers the verb, or there is no such verb", async () => {
  const verbs = await readVerbs(db.sql);
  expect(await forgottenVerbs(db.sql, "docs/model.md", verbs)).toEqual(
    ["bind_sled_agent", "revoke_access"].map(
      (verb) => `docs/model.md needs no ${verb} in LEFT_OUT of test/support/verbs.ts`,
    ),
  );
  await db.sql`alter function vmstate.revoke_access rename to take_access`;
  const covered = verbs.filter((verb) => !/^bind_sled_agent$|^revoke_access$/.test(verb));
  expect(await forgottenVerbs(db.sql, "docs/model.md", [...covered, "take_access"])).toEqual([
    "docs/model.md needs no revoke_access in LEFT_OUT of test/support/verbs.ts",
  ]);
});
