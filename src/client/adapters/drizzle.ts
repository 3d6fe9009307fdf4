import type { QueryClient } from "../sql-client.js";

/** A Drizzle database of PostgreSQL, whatever its driver, or the transaction that `db.transaction` hands over. */
export interface DrizzleClient {
  execute(query: never): PromiseLike<unknown>;
}

/** As Drizzle's own `SQL`: it is asked for its text and parameters when it is executed. */
interface DrizzleQuery {
  getSQL: () => DrizzleQuery;
  toQuery: () => { sql: string; params: (string | null)[] };
}

/** Makes the functions of this package run on a Drizzle database or on a transaction of it. */
export function fromDrizzle(client: DrizzleClient): QueryClient {
  return {
    query: async (text, params) => rowsOf(await client.execute(queryOf(text, params) as never)),
  };
}

function queryOf(sql: string, params: (string | null)[]): DrizzleQuery {
  const query: DrizzleQuery = { getSQL: () => query, toQuery: () => ({ sql, params }) };
  return query;
}

/** The answer is that of the driver: an array of rows, or an object that has one. */
function rowsOf(result: unknown): object[] {
  return Array.isArray(result) ? (result as object[]) : (result as { rows: object[] }).rows;
}
