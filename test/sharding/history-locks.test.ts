import { expect, it } from "vitest";
import { PACKAGE_ROOT } from "../../src/schema/files.js";
import { readSources } from "../../src/schema/sources.js";
import { definitionsIn } from "./lint/definitions.js";
import { relationsIn } from "./lint/schema.js";
import { allOf } from "./lint/tree.js";
import { treesOf, wrappersIn } from "./lint/wrappers.js";

/** What is read through partitions; history_default is one of them. */
const isHistory = (relation: string): boolean =>
  relation === "history" || relation === "history_extent" || relation.endsWith("_history");

/** Parts of a statement that lock rows, and that PostgreSQL runs a second time after it has waited for such a lock. */
const WAITING = ["UpdateStmt", "DeleteStmt", "MergeStmt", "LockingClause"];

function waitsAndReadsHistory(tree: unknown): boolean {
  return relationsIn(tree).some(isHistory) && WAITING.some((kind) => allOf(tree, kind).length > 0);
}

async function waitingReaders(sources: Parameters<typeof definitionsIn>[0]): Promise<string[]> {
  const definitions = await definitionsIn(sources);
  return definitions.flatMap(({ name, units }) =>
    units.filter(({ tree }) => waitsAndReadsHistory(tree)).map(({ lineAt }) => `${name}:${lineAt()}`),
  );
}

// PostgreSQL 18 (18.4 at least) crashes when a statement that chooses partitions while it runs goes on after such a wait.
it("no statement that may wait for a row reads the history, which has partitions", async () => {
  expect(await waitingReaders(await readSources(PACKAGE_ROOT))).toEqual([]);
  const trees = await Promise.all(wrappersIn(PACKAGE_ROOT).map(treesOf));
  expect(trees.flat().filter(waitsAndReadsHistory)).toEqual([]);
});

it.each([
  "SELECT FROM vmstate.vmm AS v JOIN vmstate.history AS h ON h.time > v.time_created FOR NO KEY UPDATE OF v;",
  "UPDATE vmstate.vmm SET state = (SELECT h.state FROM vmstate.vmm_history AS h WHERE h.time = vmm.time_created);",
])("such a statement is found: %s", async (statement) => {
  const text = `CREATE FUNCTION vmstate.planted() RETURNS void LANGUAGE plpgsql AS $$ BEGIN ${statement} END; $$;`;
  expect(await waitingReaders([{ file: "planted.sql", text }])).toEqual(["planted:1"]);
});
