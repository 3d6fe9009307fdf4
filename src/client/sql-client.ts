/** A query of `postgres` that was not sent yet. */
interface PostgresQuery {
  raw(): PromiseLike<readonly ArrayLike<unknown>[]>;
}

/**
 * A client of `postgres`: the pool (`postgres(url)`), a transaction (`sql.begin`) or a reserved connection. How it
 * parses and transforms values does not matter. A function that passes its template on to such a client works, too.
 */
export interface PostgresClient {
  (strings: TemplateStringsArray, ...values: never[]): PostgresQuery;
  unsafe?(text: string, values: never[], options: { prepare: boolean; simple: boolean }): PostgresQuery;
  /** The same function in a pool and in each transaction of the pool, and another one in every other pool. */
  json?: object;
  /** Only a pool has them. */
  options?: { prepare?: unknown; max?: number };
}

/**
 * The one method by which vmstate reaches a database through any other client. `fromPg`, `fromKysely`, `fromDrizzle`
 * and `fromPrisma` make one; for another client, write the method yourself.
 */
export interface QueryClient {
  /**
   * Runs one statement in the session or transaction of the client.
   *
   * @param text has `$1`, `$2` … where the parameters belong
   * @param params to be sent as they are, without a type: PostgreSQL infers it
   * @returns the rows: objects or arrays of one column of type text, which has to arrive as PostgreSQL sent it
   */
  query(text: string, params: (string | null)[]): PromiseLike<readonly object[]>;
}

/** A client as `postgres` makes it, or any other with the one method of {@link QueryClient}. */
export type SqlClient = PostgresClient | QueryClient;
