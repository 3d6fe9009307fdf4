import { copiesIn } from "./copies.js";
import { queriesIn, statementsOf, walk } from "./parse.js";

/** Where in a statement of each kind the name stands of what it makes, changes or drops. */
const NAMED: Record<string, (node: Record<string, unknown>) => unknown> = {
  CreateFunctionStmt: ({ funcname }) => funcname,
  CreateEnumStmt: ({ typeName }) => typeName,
  AlterEnumStmt: ({ typeName }) => typeName,
  CreateDomainStmt: ({ domainname }) => domainname,
  AlterDomainStmt: ({ typeName }) => typeName,
  CreateTrigStmt: ({ funcname }) => funcname,
};

const RECREATABLE = ["CreateFunctionStmt", "ViewStmt", "CreateTrigStmt"];
const ACCOMPANIES = ["CommentStmt", "GrantStmt"];

/** Tells whether all objects of a file of `sql/` can be created once more. */
export async function isRecreatable(sql: string): Promise<boolean> {
  const kinds = (await statementsOf(sql)).map(([kind]) => kind);
  return (
    kinds.some((kind) => RECREATABLE.includes(kind)) &&
    kinds.every((kind) => RECREATABLE.includes(kind) || ACCOMPANIES.includes(kind))
  );
}

/** Lists what must not be in a file of `sql/` or `migrations/`. */
export async function lint(sql: string): Promise<string[]> {
  const statements = await statementsOf(sql);
  return [
    ...markerTraps(sql),
    ...statements.flatMap(([kind, node]) => [
      ...unqualified({ [kind]: node }, /^pg_/),
      ...unqualifiedObject(kind, node),
      ...notAgain(kind, node),
      ...notInTransaction(kind, node),
    ]),
    ...(await unqualifiedInBodies(sql, statements)),
    ...usedLabels(statements),
  ];
}

/**
 * Finds comments that node-pg-migrate takes for its markers.
 *
 * It silently drops what stands before such a comment, or after it.
 */
function markerTraps(sql: string): string[] {
  const traps = sql.match(/^\s*--[\s-]*(up|down)\s+migration.*/gim) ?? [];
  return traps.map((trap) => `a comment that node-pg-migrate takes for a marker: ${trap.trim()}`);
}

/**
 * Finds relations without their schema.
 *
 * Leaves out names that the statement itself makes: in WITH, or what FOR UPDATE OF refers to.
 */
function unqualified(tree: unknown, allowed?: RegExp): string[] {
  const [relations, own] = [new Set<string>(), new Set<unknown>()];
  walk(tree, (name, node) => {
    if (name === "CommonTableExpr") own.add(node["ctename"]);
    if (name === "alias") own.add(node["aliasname"]);
    if (isRelation(name) && node["schemaname"] === undefined) relations.add(String(node["relname"]));
  });
  return [...relations]
    .filter((name) => !own.has(name) && !allowed?.test(name))
    .map((name) => `a name without its schema: ${name}`);
}

function isRelation(name: string): boolean {
  return ["RangeVar", "relation", "view", "typevar", "sequence"].includes(name);
}

function unqualifiedObject(kind: string, node: Record<string, unknown>): string[] {
  const name = NAMED[kind]?.(node);
  return Array.isArray(name) && name.length < 2 ? [`a name without its schema: ${nameIn(name)}`] : [];
}

function nameIn(list: unknown[]): string {
  return list.map((part) => (part as { String: { sval: string } }).String.sval).join(".");
}

function notAgain(kind: string, { replace }: Record<string, unknown>): string[] {
  return RECREATABLE.includes(kind) && replace !== true ? [`CREATE without OR REPLACE: ${kind}`] : [];
}

function notInTransaction(kind: string, { concurrent }: Record<string, unknown>): string[] {
  return kind === "TransactionStmt" || concurrent === true ? [`not for a transaction: ${kind}`] : [];
}

/**
 * Finds relations without their schema in bodies of PL/pgSQL functions.
 *
 * There, temporary relations of the caller come before built-in ones.
 */
async function unqualifiedInBodies(sql: string, statements: [string, unknown][]): Promise<string[]> {
  const languages = JSON.stringify(statements.filter(([kind]) => kind === "CreateFunctionStmt"));
  if (!languages.includes('"plpgsql"')) return [];
  const found: string[] = [];
  for (const text of functionsIn(sql))
    for (const query of await queriesIn(text)) found.push(...unqualified(await statementsOf(query)));
  return found;
}

function functionsIn(sql: string): string[] {
  const copies = copiesIn(sql).map(({ text }) => text);
  return (copies.length > 0 ? copies : [sql]).filter((text) => /^LANGUAGE plpgsql/m.test(text));
}

/**
 * Finds enum labels that are used in the file that adds them.
 *
 * PostgreSQL refuses to use a label in the transaction that adds it.
 */
function usedLabels(statements: [string, Record<string, unknown>][]): string[] {
  const added = statements.filter(([kind]) => kind === "AlterEnumStmt").map(([, { newVal }]) => newVal);
  const used = new Set<unknown>();
  walk(
    statements.filter(([kind]) => kind !== "CommentStmt"),
    (name, { sval }) => {
      if (name === "sval") used.add(sval);
    },
  );
  return added
    .filter((label) => label !== undefined && used.has(label))
    .map((label) => `a label that is added and used in one file: ${String(label)}`);
}
