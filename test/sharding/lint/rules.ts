import type { Schema } from "./schema.js";
import { allOf, childOf, listOf, namesIn, type Node, ownFunction, textOf } from "./tree.js";

/** Built-in functions of which no variant is STABLE or VOLATILE. */
export type Immutable = ReadonlySet<string>;

/** A cast to one of these depends on settings of the session, unless it is of a constant. */
const TEXTUAL = ["text", "timestamptz", "timestamp", "date", "time", "timetz", "interval"];

/** Written by triggers of a shard, on its node: such a statement is not distributed. */
const LOCAL = ["history"];

/**
 * L3: INSERT, UPDATE and DELETE have no function or operator that is not IMMUTABLE. An operator tells no types here, so
 * `+` and `-` are for whole numbers: one side is a constant, which no `timestamptz + interval` has.
 */
export function notImmutable(tree: Node, { functions }: Schema, immutable: Immutable): string[] {
  return ["InsertStmt", "UpdateStmt", "DeleteStmt"]
    .flatMap((kind) => allOf(tree, kind))
    .filter((statement) => !LOCAL.includes(textOf(childOf(statement, "relation") ?? {}, "relname")))
    .flatMap((statement) => [
      ...allOf(statement, "FuncCall").flatMap((call) => {
        const own = ownFunction(call);
        const name = own === undefined ? (namesIn(call, "funcname").at(-1) ?? "") : `vmstate.${own}`;
        const is = own === undefined ? immutable.has(name) : functions.get(own)?.isImmutable;
        return is === true ? [] : [`${name} is not IMMUTABLE in a statement that writes`];
      }),
      ...allOf(statement, "SQLValueFunction").map(
        () => "a function of the session in a statement that writes",
      ),
      ...allOf(statement, "A_Expr").flatMap((operation) => {
        const [operator = ""] = namesIn(operation, "name").slice(-1);
        const isTyped = [childOf(operation, "lexpr"), childOf(operation, "rexpr")].some(isWholeNumber);
        return ["+", "-"].includes(operator) && !isTyped
          ? [`operator ${operator} in a statement that writes, without a whole number: it may be of times`]
          : [];
      }),
      ...allOf(statement, "TypeCast").flatMap((cast) => {
        const type = namesIn(childOf(cast, "typeName") ?? {}, "names").at(-1) ?? "";
        const isConstant = childOf(childOf(cast, "arg") ?? {}, "A_Const") !== undefined;
        return TEXTUAL.includes(type) && !isConstant ? [`a cast to ${type} in a statement that writes`] : [];
      }),
    ]);
}

function isWholeNumber(node: Node | undefined): boolean {
  return childOf(node ?? {}, "A_Const")?.["ival"] !== undefined;
}

/** L8: nothing in SET is inlined to `CASE x WHEN`. */
export function simpleCasesInSet(tree: Node, { simpleCases }: Schema): string[] {
  const sets = [...allOf(tree, "UpdateStmt"), ...allOf(tree, "onConflictClause")];
  return sets
    .flatMap((statement) => allOf(listOf(statement, "targetList"), "FuncCall"))
    .map((call) => ownFunction(call) ?? "")
    .filter((name) => simpleCases.has(name))
    .map((name) => `vmstate.${name} is inlined to CASE x WHEN in SET`);
}

/** L5: a statement that reads a table calls only functions that read none. */
export function readersInReaders(relations: string[], tree: Node, { keys, reading }: Schema): string[] {
  if (!relations.some((relation) => keys.has(relation))) return [];
  return allOf(tree, "FuncCall")
    .map((call) => ownFunction(call) ?? "")
    .filter((name) => reading.has(name))
    .map((name) => `vmstate.${name} reads tables and is called by a statement that reads tables`);
}

/** L4: a trigger does not go by the name or the row type of a partition or shard. */
export function shardNames(tree: Node): string[] {
  const variables = allOf(tree, "ColumnRef").map((column) => namesIn(column, "fields"));
  return [
    ...variables
      .filter(([name = ""]) => /^tg_(table_name|table_schema|relname|relid)$/.test(name))
      .map(([name = ""]) => `${name.toUpperCase()} is that of a partition or shard`),
    ...allOf(tree, "FuncCall")
      .filter((call) => ownFunction(call) !== undefined)
      .flatMap((call) =>
        allOf(
          listOf(call, "args").filter((argument) => "ColumnRef" in argument),
          "ColumnRef",
        ).map((column) => [ownFunction(call) ?? "", namesIn(column, "fields")] as const),
      )
      .filter(([, fields]) => fields.length === 1 && ["old", "new"].includes(fields[0] ?? ""))
      .map(
        ([name, [row = ""]]) =>
          `vmstate.${name} gets ${row.toUpperCase()}, which has the row type of a partition or shard`,
      ),
  ];
}

/** L2: a unique key has the instance id, and a foreign key leads by it. */
export function keysWithoutId(tree: Node, { keys }: Schema): string[] {
  return [...tableKeys(tree, keys), ...indexKeys(tree, keys)];
}

const UNIQUE = ["CONSTR_PRIMARY", "CONSTR_UNIQUE"];

function tableKeys(tree: Node, keys: ReadonlyMap<string, string>): string[] {
  const statements = [...allOf(tree, "CreateStmt"), ...allOf(tree, "AlterTableStmt")];
  return statements.flatMap((statement) => {
    const table = textOf(childOf(statement, "relation") ?? {}, "relname");
    const key = keys.get(table);
    if (key === undefined) return [];
    const inColumns = allOf(statement, "ColumnDef").flatMap((column) =>
      allOf(column, "Constraint").map((constraint) => ({ constraint, column: textOf(column, "colname") })),
    );
    const known = new Set(inColumns.map(({ constraint }) => constraint));
    const others = allOf(statement, "Constraint").filter((constraint) => !known.has(constraint));
    return [...inColumns, ...others.map((constraint) => ({ constraint, column: undefined }))].flatMap(
      ({ constraint, column }) => constraintWithoutId(constraint, column, table, keys),
    );
  });
}

function constraintWithoutId(
  constraint: Node,
  column: string | undefined,
  table: string,
  keys: ReadonlyMap<string, string>,
): string[] {
  const type = textOf(constraint, "contype");
  const own = (list: string): string[] => (column === undefined ? namesIn(constraint, list) : [column]);
  if (UNIQUE.includes(type) && !own("keys").includes(keys.get(table) ?? ""))
    return [`UNIQUE (${own("keys").join(", ")}) of vmstate.${table} has no instance id`];
  if (type !== "CONSTR_FOREIGN") return [];
  const other = textOf(childOf(constraint, "pktable") ?? {}, "relname");
  const at = own("fk_attrs").indexOf(keys.get(table) ?? "");
  if (at >= 0 && namesIn(constraint, "pk_attrs")[at] === keys.get(other)) return [];
  return [`FOREIGN KEY (${own("fk_attrs").join(", ")}) of vmstate.${table} does not lead by the instance id`];
}

function indexKeys(tree: Node, keys: ReadonlyMap<string, string>): string[] {
  return allOf(tree, "IndexStmt").flatMap((index) => {
    const key = keys.get(textOf(childOf(index, "relation") ?? {}, "relname"));
    const columns = allOf(listOf(index, "indexParams"), "IndexElem").map((column) => textOf(column, "name"));
    if (key === undefined || index["unique"] !== true || columns.includes(key)) return [];
    return [`unique index ${textOf(index, "idxname")} (${columns.join(", ")}) has no instance id`];
  });
}
