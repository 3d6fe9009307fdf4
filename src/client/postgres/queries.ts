import type { PostgresClient } from "../sql-client.js";

/** What `postgres` answers, with what it says of the connection and of the statement. */
export interface Answer extends ReadonlyArray<ArrayLike<unknown>> {
  /** What the connection got when it began. Of a pooler it got a number that is no process of the server. */
  state: { pid: number };
  statement: { name: string };
}

/** What `postgres` does with a query that was refused because the session does not have its prepared statement. */
interface Retried {
  cancelled: unknown;
  reject: (error: unknown) => void;
}

/**
 * Rejects a query in place of the retry of `postgres`.
 *
 * `postgres` sends such a query again among those that are already on their way, takes the answers of one for those
 * of another, and hangs for ever. It notes the error before it sends, and it sends no query that was cancelled.
 */
const REJECTS_FOR_RETRY: PropertyDescriptor & ThisType<Retried> = {
  set(error: unknown) {
    this.cancelled = true;
    this.reject(error);
  },
};

/** Sends a statement that the session keeps for the next time; rejects if the session has lost it. */
export function prepared(
  sql: PostgresClient,
  strings: TemplateStringsArray,
  values: readonly unknown[],
): PromiseLike<Answer> {
  const query = sql(strings, ...(values as never[])).raw();
  return Object.defineProperty(query, "retried", REJECTS_FOR_RETRY) as PromiseLike<Answer>;
}

/**
 * Sends a statement that the session does not keep, in one piece.
 *
 * With values of its own, `postgres` would first send the text alone and ask for its types. A pooler may take the
 * answer to an earlier query on this connection for the end of all, hand the session to another client, and the types
 * never arrive.
 */
export function unprepared(
  sql: PostgresClient,
  text: string,
  values: readonly (string | null)[],
): PromiseLike<Answer> {
  const query = sql.unsafe(text, [], { prepare: false, simple: false }).raw();
  return Object.assign(query, { parameters: [...values] }) as unknown as PromiseLike<Answer>;
}
