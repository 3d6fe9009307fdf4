import { sqlStateOf } from "../../errors/sql-state.js";
import type { PostgresClient } from "../sql-client.js";
import { type Statement, textOf, textParametersOf } from "../statement.js";

/** What `postgres` answers, with what it says of the connection and of the statement. */
export interface Answer extends ReadonlyArray<ArrayLike<unknown>> {
  /** What the connection got when it began. Of a pooler it got a number that is no process of the server. */
  state: { pid: number };
  statement: { name: string };
}

/** A client with all that `postgres` gives a pool and a transaction. */
export type WholeClient = PostgresClient & Required<Pick<PostgresClient, "unsafe" | "json">>;

/** A client that may have several connections. */
export type PoolClient = WholeClient & { options: { max: number } };

/** Sends a statement that the session keeps for the next time. */
export function prepared(sql: PostgresClient, { strings, values }: Statement): PromiseLike<Answer> {
  return sql(strings, ...(values as never[])).raw() as PromiseLike<Answer>;
}

/**
 * Sends a statement that the session does not keep, in one piece.
 *
 * With values of its own, `postgres` would first send the text alone and ask for its types. A pooler may take the
 * answer to an earlier query on this connection for the end of all, hand the session to another client, and the types
 * never arrive. So the values are put where `postgres` 3.4.9 has those of a query that it sends once more, and
 * {@link lacksValues} tells a release of it that has them elsewhere.
 */
export function unprepared(sql: WholeClient, statement: Statement): PromiseLike<Answer> {
  const query = sql.unsafe(textOf(statement), [], { prepare: false, simple: false }).raw();
  const parameters = textParametersOf(statement);
  return Object.assign(query, { parameters }) as unknown as PromiseLike<Answer>;
}

/** Tells that PostgreSQL got an unprepared statement without its values: it ran nothing. */
export function lacksValues(error: unknown): boolean {
  return sqlStateOf(error) === "08P01" && (error as { routine?: unknown }).routine === "exec_bind_message";
}
