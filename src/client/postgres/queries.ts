import { sqlStateOf } from "../../errors/sql-state.js";
import type { PostgresClient } from "../sql-client.js";
import { type Statement, textOf, textParametersOf } from "../statement.js";

/** What `postgres` answers, with what it says of the connection and of the statement. */
export interface Answer extends ReadonlyArray<ArrayLike<unknown>> {
  /** What the connection was told when it began. A pooler tells a number that is no process of the server. */
  state: { pid: number };
  statement: { name: string };
}

/** A client with all that `postgres` gives a pool and a transaction. */
export type FullClient = PostgresClient & Required<Pick<PostgresClient, "unsafe" | "json">>;

/** A client that may have several connections. */
export type PoolClient = FullClient & { options: { max: number } };

/** Sends a statement that the session keeps for the next time. */
export function prepared(sql: PostgresClient, { strings, values }: Statement): PromiseLike<Answer> {
  return sql(strings, ...(values as never[])).raw() as PromiseLike<Answer>;
}

/**
 * Sends an unprepared statement together with its values.
 *
 * Given values, `postgres` would first send the text alone and ask for the types of the parameters. A pooler may take
 * the answer to an earlier query on this connection for the last one and give the session to another client; then the
 * types never arrive. So the values are put where `postgres` 3.4.9 keeps those of a query that it repeats, and
 * {@link lacksValues} detects a release of `postgres` that keeps them elsewhere.
 */
export function unprepared(sql: FullClient, statement: Statement): PromiseLike<Answer> {
  const query = sql.unsafe(textOf(statement), [], { prepare: false, simple: false }).raw();
  const parameters = textParametersOf(statement);
  return Object.assign(query, { parameters }) as unknown as PromiseLike<Answer>;
}

/** Tells that PostgreSQL got an unprepared statement without its values: it ran nothing. */
export function lacksValues(error: unknown): boolean {
  return sqlStateOf(error) === "08P01" && (error as { routine?: unknown }).routine === "exec_bind_message";
}
