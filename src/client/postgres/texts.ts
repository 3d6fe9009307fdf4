import { sqlStateOf } from "../../errors/sql-state.js";
import type { PostgresClient } from "../sql-client.js";
import { type Statement, textOf, textParametersOf } from "../statement.js";
import { isBehindPooler } from "./pooler.js";
import { type Answer, prepared, unprepared } from "./queries.js";
import { inSession } from "./session.js";

/**
 * Takes the text of each row from `postgres`.
 *
 * Raw, so that neither the client's own types nor its transforms change a value. Prepared, which halves the time of a
 * call, unless a pooler stands between, which may run the next call in a session that lacks the statement.
 */
export async function textsThroughPostgres(sql: PostgresClient, statement: Statement): Promise<string[]> {
  const rows = await inSession(sql, () => send(sql, statement));
  return rows.map((row) => String(row[0]));
}

async function send(sql: PostgresClient, statement: Statement): Promise<Answer> {
  if (await isBehindPooler(sql)) return await sendUnprepared(sql, statement);
  try {
    return await prepared(sql, statement.strings, statement.values);
  } catch (error) {
    if (!REFUSED_TO_RUN.includes(sqlStateOf(error))) throw error;
    return await sendAgain(sql, statement, error);
  }
}

/** The session has no statement of this name, or what it has does not fit any more. */
const REFUSED_TO_RUN = ["26000", "0A000"];

/** An earlier statement has failed, and the transaction with it. */
const TRANSACTION_FAILED = "25P02";

/** Sends a statement again that the server refused to run, so that nothing can be done twice. */
async function sendAgain(sql: PostgresClient, statement: Statement, refusal: unknown): Promise<Answer> {
  try {
    return await sendUnprepared(sql, statement);
  } catch (error) {
    throw sqlStateOf(error) === TRANSACTION_FAILED ? refusal : error;
  }
}

function sendUnprepared(sql: PostgresClient, statement: Statement): PromiseLike<Answer> {
  return unprepared(sql, textOf(statement), textParametersOf(statement));
}
