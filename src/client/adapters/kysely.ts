import type { QueryClient } from "../sql-client.js";

/** What runs compiled queries in Kysely. */
interface KyselyExecutor {
  executeQuery(query: never): PromiseLike<{ rows: unknown[] }>;
}

/** A `Kysely` of PostgreSQL, or a `Transaction` of it. */
export interface KyselyClient {
  withoutPlugins(): KyselyExecutor;
}

/** As `CompiledQuery.raw` of Kysely makes it. */
interface CompiledQuery {
  sql: string;
  parameters: (string | null)[];
  query: { kind: "RawNode"; sqlFragments: [string]; parameters: [] };
  queryId: { queryId: string };
}

/**
 * Makes the functions of this package run on a Kysely or on a transaction of it (`db.transaction().execute`). Its plugins
 * are not applied.
 */
export function fromKysely(client: KyselyClient): QueryClient {
  const executor = client.withoutPlugins();
  return {
    query: async (text, params) => {
      const { rows } = await executor.executeQuery(compiled(text, params) as never);
      return rows as object[];
    },
  };
}

function compiled(sql: string, parameters: (string | null)[]): CompiledQuery {
  const query = { kind: "RawNode", sqlFragments: [sql], parameters: [] } satisfies CompiledQuery["query"];
  return { sql, parameters, query, queryId: { queryId: "vmstate" } };
}
