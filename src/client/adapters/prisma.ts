import type { QueryClient } from "../sql-client.js";

/** A Prisma client of PostgreSQL, from version 7, or the transaction that `$transaction` hands over. */
export interface PrismaClient {
  $queryRawUnsafe(query: string, ...values: never[]): PromiseLike<unknown>;
}

/** Makes the functions of this package run on a Prisma client or on an interactive transaction of it. */
export function fromPrisma(client: PrismaClient): QueryClient {
  return {
    query: async (text, params) =>
      (await client.$queryRawUnsafe(text, ...(params as never[]))) as readonly object[],
  };
}
