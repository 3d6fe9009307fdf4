import { sqlStateOf } from "../../errors/sql-state.js";
import type { PostgresClient } from "../sql-client.js";
import type { Statement } from "../statement.js";
import { assumeNoPooler, mayLackStatements } from "./pooler.js";
import { type Answer, lacksValues, prepared, unprepared, type FullClient } from "./queries.js";
import { inSession } from "./session.js";

/**
 * Takes the text of each row from `postgres`.
 *
 * Reads raw rows, so that neither the client's own types nor its transforms change a value. Prepares the statement,
 * which halves the time of a call, unless a pooler may run the next call in a session that lacks the statement.
 */
export function textsThroughPostgres(sql: PostgresClient, statement: Statement): Promise<string[]> {
  return mayLackStatements(sql) ? textsOfUnprepared(sql, statement) : textsOfPrepared(sql, statement);
}

async function textsOfPrepared(sql: PostgresClient, statement: Statement): Promise<string[]> {
  return textsOf(await inSession(sql, () => prepared(sql, statement)));
}

async function textsOfUnprepared(sql: FullClient, statement: Statement): Promise<string[]> {
  try {
    return textsOf(await inSession(sql, () => unprepared(sql, statement)));
  } catch (error) {
    if (!lacksValues(error)) throw error;
    assumeNoPooler(sql);
    return await textsOfPrepared(sql, statement).catch((second: unknown) => throwOf(error, second));
  }
}

function textsOf(rows: Answer): string[] {
  return rows.map((row) => String(row[0]));
}

/** The SQLSTATE after an earlier statement of the transaction failed: it says nothing of the cause. */
const TRANSACTION_FAILED = "25P02";

function throwOf(first: unknown, second: unknown): never {
  throw sqlStateOf(second) === TRANSACTION_FAILED ? first : second;
}
