import { typedError } from "../errors/typed-error.js";
import { VmstateError } from "../errors/vmstate-error.js";
import { requireArguments } from "./arguments.js";
import { oneRow } from "./rows.js";
import type { SqlClient } from "./sql-client.js";
import { type Statement, statement } from "./statement.js";

/** A pool of `postgres`, which can begin a transaction. */
interface Pool {
  begin<T>(use: (transaction: SqlClient) => Promise<T>): Promise<T>;
}

/**
 * Runs calls whose changes the history records with a cause: a request id, a traceparent, an operator's reason.
 *
 * The cause belongs to a transaction. A pool of `postgres` begins one, which `use` gets. Any other client has to be in a
 * transaction already; afterwards the transaction has the cause that it had before. Of the cause, 500 characters are
 * recorded. Nothing decides by it.
 *
 * @throws VmstateError when the client is in no transaction
 */
export async function withCause<T>(
  sql: SqlClient,
  cause: string,
  use: (sql: SqlClient) => Promise<T>,
): Promise<T> {
  requireArguments("withCause", { cause }, { cause: "text" });
  if (isPool(sql)) return await sql.begin((transaction) => withCauseIn(transaction, cause, use));
  return await withCauseIn(sql, cause, use);
}

function isPool(sql: SqlClient): sql is SqlClient & Pool {
  return "begin" in sql && !("savepoint" in sql);
}

async function withCauseIn<T>(
  sql: SqlClient,
  cause: string,
  use: (sql: SqlClient) => Promise<T>,
): Promise<T> {
  const { before } = await setCause(sql, cause);
  if ((await readCause(sql)) !== cause)
    throw new VmstateError(
      "withCause: the client is in no transaction, and a cause belongs to one: begin it first",
    );
  let answer: T;
  try {
    answer = await use(sql);
  } catch (error) {
    // A failed transaction refuses, and forgets the cause when it is rolled back.
    await setCause(sql, before).catch(() => undefined);
    throw error;
  }
  await setCause(sql, before);
  return answer;
}

async function setCause(sql: SqlClient, cause: string): Promise<{ before: string }> {
  return await ask(
    sql,
    statement`select pg_catalog.json_build_object(
    'before', coalesce(pg_catalog.current_setting('vmstate.cause', true), ''),
    'now', pg_catalog.set_config('vmstate.cause', ${cause}, true))::pg_catalog.text`,
  );
}

async function readCause(sql: SqlClient): Promise<string> {
  const { now } = await ask<{ now: string }>(
    sql,
    statement`select pg_catalog.json_build_object(
    'now', coalesce(pg_catalog.current_setting('vmstate.cause', true), ''))::pg_catalog.text`,
  );
  return now;
}

async function ask<Row>(sql: SqlClient, question: Statement): Promise<Row> {
  try {
    return await oneRow<Row>(sql, question);
  } catch (error) {
    throw typedError("withCause", error);
  }
}
