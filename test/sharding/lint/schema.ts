import type { Definition } from "./definitions.js";
import { allOf, childOf, fieldsOf, type Node, ownFunction, textOf } from "./tree.js";

/** The tables that a sharded layout partitions by the instance, each with the column that holds its id. */
const TABLES: [string, string][] = [
  ["instance", "id"],
  ["vmm", "instance_id"],
  ["migration", "instance_id"],
  ["history", "instance_id"],
];

/** What the rules have to know of the whole schema. */
export interface Schema {
  /** Tables that are partitioned by the instance, and the views of them, each with its column of the instance id. */
  keys: Map<string, string>;
  functions: Map<string, Definition>;
  views: Set<string>;
  /** Functions that read such a table, or call a function that does. */
  reading: Set<string>;
  /** Functions that PostgreSQL inlines to `CASE x WHEN`. */
  simpleCases: Set<string>;
}

export function schemaOf(definitions: readonly Definition[]): Schema {
  const keys = new Map(TABLES);
  // In load order, so that a view comes after those that it reads.
  for (const { kind, name, units } of definitions)
    if (kind === "view" && relationsIn(units).some((relation) => keys.has(relation)))
      keys.set(
        name,
        allOf(units, "ResTarget").some((target) => labelOf(target) === "instance_id") ? "instance_id" : "id",
      );
  const functions = new Map(definitions.filter(isFunction).map((one) => [one.name, one]));
  const views = new Set(definitions.filter(({ kind }) => kind === "view").map(({ name }) => name));
  return {
    keys,
    functions,
    views,
    reading: closure(functions, ({ units }) => relationsIn(units).some((relation) => keys.has(relation))),
    simpleCases: closure(new Map([...functions].filter(([, { isPlpgsql }]) => !isPlpgsql)), ({ units }) =>
      allOf(units, "CaseExpr").some(({ arg }) => arg !== undefined),
    ),
  };
}

function isFunction({ kind }: Definition): boolean {
  return kind === "function";
}

/** A column of a query that is given no name has that of its last part: `v.instance_id`. */
function labelOf(target: Node): unknown {
  return target["name"] ?? fieldsOf(childOf(target, "val"))?.at(-1);
}

/** The tables and views of schema vmstate that a tree names. */
export function relationsIn(tree: unknown): string[] {
  return ["RangeVar", "relation"]
    .flatMap((kind) => allOf(tree, kind))
    .filter(({ schemaname }) => schemaname === "vmstate")
    .map((relation) => textOf(relation, "relname"));
}

/** The functions for which it holds, and those that call one of them. */
function closure(
  functions: ReadonlyMap<string, Definition>,
  holds: (definition: Definition) => boolean,
): Set<string> {
  const found = new Set([...functions.values()].filter(holds).map(({ name }) => name));
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const { name, units } of functions.values())
      if (allOf(units, "FuncCall").some((call) => found.has(ownFunction(call) ?? ""))) found.add(name);
  }
  return found;
}
