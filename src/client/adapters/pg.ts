import type { QueryClient } from "../sql-client.js";

interface PgStatement {
  text: string;
  values: (string | null)[];
  rowMode: "array";
  types: { getTypeParser: () => (value: unknown) => string };
}

/** A client as `pg` makes it: a `Pool`, a `Client`, or what `pool.connect()` resolves to, in a transaction or not. */
export interface PgClient {
  query(statement: PgStatement): PromiseLike<{ rows: unknown[][] }>;
}

/** In place of the parsers of the pool or of `pg.types`; a client with `binary: true` hands over a buffer. */
const types = { getTypeParser: () => String };

/**
 * Makes the functions of this package run on a client of `pg`. To call them in a transaction, wrap the client that
 * `pool.connect()` resolves to. How it parses values does not matter.
 */
export function fromPg(client: PgClient): QueryClient {
  return {
    query: async (text, values) => (await client.query({ text, values, rowMode: "array", types })).rows,
  };
}
