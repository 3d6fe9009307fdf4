import { statementsOf, walk } from "../../../tools/release/parse.js";

type Node = Record<string, unknown>;

/** Where a node of each kind has the name that the search_path resolves, and what it is the name of. */
const NAMED: Record<string, [what: string, names: (node: Node) => unknown]> = {
  FuncCall: ["function", ({ funcname }) => funcname],
  A_Expr: ["operator", ({ name }) => name],
  SubLink: ["operator", ({ testexpr, operName }) => operName ?? (testexpr === undefined ? undefined : ["="])],
  SortBy: ["operator", ({ useOp }) => useOp],
  CollateClause: ["collation", ({ collname }) => collname],
  TypeName: ["type", ({ names }) => names],
  typeName: ["type", ({ names }) => names],
  // `CASE x WHEN y`, JOIN … USING and NATURAL compare by the operator = that the search_path has.
  CaseExpr: ["operator", ({ arg }) => (arg === undefined ? undefined : ["="])],
  JoinExpr: ["operator", ({ usingClause, isNatural }) => ((usingClause ?? isNatural) ? ["="] : undefined)],
};

/** What a statement leaves to the session's search_path. */
export async function leftToSearchPath(sql: string): Promise<string[]> {
  const [found, defined] = [new Set<string>(), new Set<unknown>()];
  const statements = await statementsOf(sql);
  walk(statements, (kind, node) => {
    if (kind === "CommonTableExpr") defined.add(node["ctename"]);
  });
  walk(statements, (kind, node) => {
    const [what, names] = NAMED[kind] ?? [];
    const name = names?.(node);
    if (Array.isArray(name) && name.length === 1) found.add(`${String(what)} ${nameOf(name[0])}`);
    if (kind === "RangeVar" && node["schemaname"] === undefined && !defined.has(node["relname"]))
      found.add(`relation ${String(node["relname"])}`);
  });
  return [...found];
}

function nameOf(part: unknown): string {
  return typeof part === "string" ? part : (part as { String: { sval: string } }).String.sval;
}
