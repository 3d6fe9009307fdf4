import type { PostgresClient } from "../sql-client.js";
import { statement } from "../statement.js";
import { prepared, unprepared, type PoolClient, type WholeClient } from "./queries.js";

const PROCESS = statement`select pg_catalog.pg_backend_pid()::pg_catalog.text`;

const NAMES = statement`
  /* vmstate asks for a pooler */
  select pg_catalog.to_json(array(
    select s.name from pg_catalog.pg_prepared_statements as s
     where pg_catalog.strpos(s.statement, '/* vmstate asks for a pooler */') operator(pg_catalog.>) 0
  ))::pg_catalog.text`;

/** Whether a pooler stands between, by {@link PostgresClient.json}: for a pool and all of its transactions. */
const known = new WeakMap<object, boolean>();

/** By the client, because a transaction must not wait for the pool, whose only connection it may have. */
const asked = new WeakMap<WholeClient, Promise<boolean>>();

/**
 * Tells whether the sessions of a client may lack what it has prepared, for all that is known.
 *
 * As long as nothing is known, which one question to the database changes, no call waits for it: an unprepared
 * statement runs everywhere, only slower.
 */
export function mayLackStatements(sql: PostgresClient): sql is WholeClient {
  if (!isWhole(sql)) return false;
  const isBehind = known.get(sql.json);
  if (isBehind !== undefined) return isBehind;
  if (sql.options?.prepare === false) known.set(sql.json, true);
  else isBehindPooler(sql).catch(() => undefined);
  return true;
}

/** Tells a client from a function that hands templates on to one. */
export function isWhole(sql: PostgresClient): sql is WholeClient {
  return sql.json !== undefined && sql.unsafe !== undefined;
}

/** Has the statements of a pool prepared from now on, whatever stands between. */
export function takeForDirect(sql: WholeClient): void {
  known.set(sql.json, false);
}

/**
 * Tells whether a pooler of any kind stands between the client and the database.
 *
 * Asks the database once for each pool. Of PostgreSQL a connection gets the number of its process; a pooler, whose
 * connections have no process of their own, makes one up.
 */
async function isBehindPooler(sql: WholeClient): Promise<boolean> {
  return known.get(sql.json) ?? (await (asked.get(sql) ?? ask(sql)));
}

function ask(sql: WholeClient): Promise<boolean> {
  const answer = askServer(sql);
  asked.set(sql, answer);
  return answer;
}

async function askServer(sql: WholeClient): Promise<boolean> {
  try {
    const answer = await unprepared(sql, PROCESS);
    const isBehind = String(answer[0]?.[0]) !== String(answer.state.pid);
    known.set(sql.json, isBehind);
    return isBehind;
  } finally {
    asked.delete(sql);
  }
}

/** What a connection of the pool finds. */
interface Finding {
  /** Identifies the connection. */
  connection: object;
  /** The name under which the connection has prepared this statement. */
  name: string;
  /** The names under which the session has it. */
  names: string[];
}

/** How many connections ask at the same time. They change, so that the pooler does not deal the sessions out alike. */
const ROUNDS = [2, 1, 2, 1, 3, 1, 3];

/**
 * Finds out whether a pooler hands the sessions of this client from one connection to the other, with the prepared
 * statements in them.
 *
 * A statement that one connection has prepared is then seen by another one, or is missing (26000). Neither happens
 * where each connection has a session of its own, nor behind a pooler that keeps account of prepared statements.
 *
 * @throws the error of a statement that is missing
 */
export async function sharesSessions(sql: PoolClient): Promise<boolean> {
  if (!(await isBehindPooler(sql))) return false;
  const connections = new Map<string, object>();
  for (const size of ROUNDS) {
    // On one connection `postgres` would send a statement that is missing once more among others, and mix up answers.
    const length = Math.min(size, sql.options.max);
    const findings = await Promise.all(Array.from({ length }, () => find(sql)));
    for (const { name, connection } of findings) connections.set(name, connection);
    const isForeign = ({ names, connection }: Finding): boolean =>
      names.some((name) => (connections.get(name) ?? connection) !== connection);
    if (findings.some(isForeign)) return true;
  }
  return false;
}

async function find(sql: WholeClient): Promise<Finding> {
  const answer = await prepared(sql, NAMES);
  const names = JSON.parse(String(answer[0]?.[0])) as string[];
  return { connection: answer.state, name: answer.statement.name, names };
}
