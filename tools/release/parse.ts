import { type ParseResult, parse, parsePlPgSQL } from "libpg-query";

/** A part of a tree: what it is called, and what it has. */
export type Visit = (name: string, node: Record<string, unknown>) => void;

/** Parses SQL into statements, each with its kind (`ViewStmt`) and its tree. */
export async function statementsOf(sql: string): Promise<[kind: string, node: Record<string, unknown>][]> {
  const { stmts = [] }: ParseResult = await parse(sql);
  return stmts.flatMap(({ stmt = {} }) => Object.entries(stmt) as [string, Record<string, unknown>][]);
}

/** Calls `visit` with every object in a tree. */
export function walk(tree: unknown, visit: Visit): void {
  if (typeof tree !== "object" || tree === null) return;
  for (const [name, node] of Object.entries(tree)) {
    if (typeof node === "object" && node !== null && !Array.isArray(node))
      visit(name, node as Record<string, unknown>);
    walk(node, visit);
  }
}

/** Finds the queries and expressions in a PL/pgSQL function, as statements. */
export async function queriesIn(createFunction: string): Promise<string[]> {
  // The parser takes a type that it does not know for a record, of which there are no arrays.
  const tree = await parsePlPgSQL(createFunction.replace(/RETURNS vmstate\.\w+\[\]/, "RETURNS integer[]"));
  const queries: string[] = [];
  walk(tree, (name, { query, parseMode }) => {
    if (name === "PLpgSQL_expr") queries.push(asStatement(String(query), Number(parseMode)));
  });
  return queries;
}

/**
 * Makes a statement of a query or expression in a PL/pgSQL function.
 *
 * The parse modes of PL/pgSQL: 0 is a statement, 2 an expression, from 3 on an assignment.
 */
export function asStatement(query: string, parseMode: number): string {
  if (parseMode === 0) return query;
  return `SELECT ${parseMode === 2 ? query : query.replace(/^[^=]*=/, "")}`;
}
