import type { PostgresClient } from "../sql-client.js";
import { statement } from "../statement.js";
import { prepared, unprepared, type PoolClient, type FullClient } from "./queries.js";
import { inSession } from "./session.js";

const PROCESS = statement`select pg_catalog.pg_backend_pid()::pg_catalog.text`;

const NAMES = statement`
  /* vmstate asks for a pooler */
  select pg_catalog.to_json(array(
    select s.name from pg_catalog.pg_prepared_statements as s
     where pg_catalog.strpos(s.statement, '/* vmstate asks for a pooler */') operator(pg_catalog.>) 0
  ))::pg_catalog.text`;

/** Whether a client is behind a pooler, by its {@link PostgresClient.json}: a pool and its transactions have the same. */
const known = new WeakMap<object, boolean>();

/** The questions under way, by client: a transaction must not wait for one on the pool, whose only connection it may have. */
const asked = new WeakMap<FullClient, Promise<boolean>>();

/**
 * Tells whether a later session of a client may lack a statement that the client has prepared.
 *
 * That is so behind a pooler, and it is assumed until the database has answered whether there is one: no call waits for
 * that answer, because an unprepared statement runs everywhere, only slower.
 */
export function mayLackStatements(sql: PostgresClient): sql is FullClient {
  if (!isWhole(sql)) return false;
  const isBehind = known.get(sql.json);
  if (isBehind !== undefined) return isBehind;
  if (sql.options?.prepare === false) known.set(sql.json, true);
  else isBehindPooler(sql).catch(() => undefined);
  return true;
}

/** Tells whether this is a client itself, and not a function that passes its template on to one. */
export function isWhole(sql: PostgresClient): sql is FullClient {
  return sql.json !== undefined && sql.unsafe !== undefined;
}

/** Prepares the statements of a client from now on, as without a pooler. */
export function assumeNoPooler(sql: FullClient): void {
  known.set(sql.json, false);
}

/**
 * Tells whether a pooler of any kind is between the client and the database.
 *
 * Asks the database once for each pool. PostgreSQL tells a new connection the number of its process, the same as
 * pg_backend_pid() returns; a pooler, whose connections have no process of their own, makes a number up.
 */
async function isBehindPooler(sql: FullClient): Promise<boolean> {
  return known.get(sql.json) ?? (await (asked.get(sql) ?? ask(sql)));
}

function ask(sql: FullClient): Promise<boolean> {
  const answer = askServer(sql);
  asked.set(sql, answer);
  return answer;
}

async function askServer(sql: FullClient): Promise<boolean> {
  try {
    const answer = await inSession(sql, () => unprepared(sql, PROCESS));
    const isBehind = String(answer[0]?.[0]) !== String(answer.state.pid);
    known.set(sql.json, isBehind);
    return isBehind;
  } finally {
    asked.delete(sql);
  }
}

/** Which of these statements are prepared in the session that a connection of the pool got. */
interface Finding {
  /** Identifies the connection. */
  connection: object;
  /** The name under which the connection has prepared this statement. */
  name: string;
  /** The names under which the session has it. */
  names: string[];
}

/** How many connections ask at once in each round: not always as many, or the pooler may repeat who gets which session. */
const ROUNDS = [2, 1, 2, 1, 3, 1, 3];

/**
 * Finds out whether a pooler hands the sessions of this client from one connection to the other, with the prepared
 * statements in them.
 *
 * A statement that one connection has prepared is then seen by another one, or is missing (26000). Neither happens
 * where each connection has a session of its own, nor behind a pooler that tracks prepared statements.
 *
 * @throws the error of a statement that is missing
 */
export async function sharesSessions(sql: PoolClient): Promise<boolean> {
  if (!(await isBehindPooler(sql))) return false;
  const connections = new Map<string, object>();
  for (const size of ROUNDS) {
    // Two questions on one connection: `postgres` would repeat one whose statement is missing, and mix up the answers.
    const length = Math.min(size, sql.options.max);
    const findings = await Promise.all(Array.from({ length }, () => find(sql)));
    for (const { name, connection } of findings) connections.set(name, connection);
    const isForeign = ({ names, connection }: Finding): boolean =>
      names.some((name) => (connections.get(name) ?? connection) !== connection);
    if (findings.some(isForeign)) return true;
  }
  return false;
}

async function find(sql: FullClient): Promise<Finding> {
  const answer = await prepared(sql, NAMES);
  const names = JSON.parse(String(answer[0]?.[0])) as string[];
  return { connection: answer.state, name: answer.statement.name, names };
}
