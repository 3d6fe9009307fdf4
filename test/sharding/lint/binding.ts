import { type Block, blocksOf, type KeyName } from "./blocks.js";
import type { Definition, Unit } from "./definitions.js";
import type { Schema } from "./schema.js";
import { allOf, childOf, fieldsOf, kindOf, listOf, type Node, ownFunction, textOf } from "./tree.js";

/** The instance of the verb, in a class of names. */
const BOUND = "the instance of the verb";

const KEY_PARAMETERS = ["p_instance_id", "p_id"];

/** What breaks a rule, and where in the text of the statement. */
export interface Breach {
  what: string;
  at?: number | undefined;
}

/** The definition whose names a statement may use for an instance id. */
export type About = Pick<Definition, "variables" | "triggeredBy">;

function keyNames({ variables, triggeredBy }: About, { keys }: Schema): KeyName {
  return ([first = "", field], block) => {
    if (field === undefined) return KEY_PARAMETERS.includes(first) ? BOUND : undefined;
    for (let at: Block | undefined = block; at; at = at.outer) {
      if (!at.sources.has(first)) continue;
      const relation = at.sources.get(first)?.relation;
      if (field !== (relation === undefined ? "instance_id" : keys.get(relation))) return undefined;
      const isBound =
        at !== block && at.classes.some((names) => names.includes(first) && names.includes(BOUND));
      return isBound ? BOUND : at === block ? first : `outer ${first}`;
    }
    return field === keyOfVariable(first, variables, triggeredBy) ? BOUND : undefined;
  };
}

function keyOfVariable(name: string, variables: ReadonlyMap<string, string>, triggeredBy: string[]): string {
  const ofInstance = ["old", "new"].includes(name)
    ? triggeredBy.every((table) => table === "instance")
    : variables.get(name) === "vmstate.instance";
  return ofInstance ? "id" : "instance_id";
}

/**
 * L1: each table is bound to the instance of the verb by equality of the id, directly or through a join.
 *
 * @param isList whether it may read many instances: then each further table is joined by the instance id
 */
export function unbound(unit: Pick<Unit, "tree">, about: About, schema: Schema, isList: boolean): Breach[] {
  const nameOf = keyNames(about, schema);
  const blocks = blocksOf(unit.tree, schema, nameOf);
  return [
    ...("Execute" in unit.tree ? [{ what: "EXECUTE hides what it reads and writes" }] : []),
    ...blocks.flatMap((block) =>
      cutSources(block)
        .filter((alias, at) => !isPlaced(alias, block, isList, at))
        .map((alias) => ({
          what: `${spelled(alias, block)} is not bound to the instance id`,
          at: block.sources.get(alias)?.at,
        })),
    ),
    ...allOf(unit.tree, "InsertStmt")
      .flatMap((insert) => unboundInsert(insert, schema, nameOf))
      .map((what) => ({ what })),
    ...(isList ? [] : unboundCalls(unit.tree, schema, nameOf)).map((what) => ({ what })),
  ];
}

function cutSources({ sources }: Block): string[] {
  return [...sources].filter(([, { relation }]) => relation !== undefined).map(([alias]) => alias);
}

function spelled(alias: string, { sources }: Block): string {
  return `vmstate.${sources.get(alias)?.relation ?? ""} AS ${alias}`;
}

function isPlaced(alias: string, block: Block, isList: boolean, at: number): boolean {
  const joined = block.classes.find((names) => names.includes(alias)) ?? [];
  if (joined.includes(BOUND)) return true;
  if (!isList) return false;
  // Of a list, the first table needs no id, unless it is looked up for a row of an outer query.
  return (at === 0 && block.outer === undefined) || joined.some((name) => name !== alias);
}

function unboundInsert(insert: Node, { keys }: Schema, nameOf: KeyName): string[] {
  const relation = textOf(childOf(insert, "relation") ?? {}, "relname");
  const key = keys.get(relation);
  if (key === undefined) return [];
  const at = listOf(insert, "cols").findIndex((column) => textOf(kindOf(column)[1], "name") === key);
  const rows = allOf(insert["selectStmt"], "List").map((row) => listOf(row, "items")[at]);
  const nowhere: Block = { node: insert, sources: new Map(), outer: undefined, classes: [] };
  const isBound = rows.length > 0 && rows.every((value) => nameOf(fieldsOf(value) ?? [], nowhere) === BOUND);
  return isBound ? [] : [`INSERT INTO vmstate.${relation} does not give it the instance id`];
}

/** A function that takes the id of an instance gets that of the verb. */
function unboundCalls(tree: Node, { functions }: Schema, nameOf: KeyName): string[] {
  const nowhere: Block = { node: tree, sources: new Map(), outer: undefined, classes: [] };
  return allOf(tree, "FuncCall").flatMap((call) => {
    const name = ownFunction(call) ?? "";
    const at = functions.get(name)?.parameters.indexOf("p_instance_id") ?? -1;
    const argument = at < 0 ? undefined : listOf(call, "args")[at];
    if (argument === undefined || childOf(argument, "A_Const")?.["isnull"] === true) return [];
    if (nameOf(fieldsOf(argument) ?? [], nowhere) === BOUND) return [];
    return [`vmstate.${name} gets another p_instance_id than that of the verb`];
  });
}

/** L6: a row is locked by the instance id. */
export function unboundLocks(unit: Pick<Unit, "tree">, about: About, schema: Schema): string[] {
  return blocksOf(unit.tree, schema, keyNames(about, schema)).flatMap((block) => {
    const clauses = allOf(listOf(block.node, "lockingClause"), "LockingClause");
    const named = clauses.flatMap((clause) =>
      allOf(clause["lockedRels"], "RangeVar").map((one) => textOf(one, "relname")),
    );
    return cutSources(block)
      .filter((alias) => clauses.length > 0 && (named.length === 0 || named.includes(alias)))
      .filter(
        (alias) =>
          !(block.classes.find((names) => names.includes(alias)) ?? []).some((name) => name !== alias),
      )
      .map((alias) => `FOR UPDATE of ${spelled(alias, block)} without the instance id`);
  });
}
