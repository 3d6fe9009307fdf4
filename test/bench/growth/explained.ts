import type postgres from "postgres";
import { z } from "zod";

/** What a statement took on the server, the statements of the functions it called included, without its commit. */
export interface Effort {
  micros: number;
  /** 8 kB pages found in, or read into, shared buffers. */
  buffers: number;
  /** The pages that were read. */
  read: number;
  walBytes: number;
}

const explained = z.tuple([
  z.object({
    Plan: z.object({
      "Shared Hit Blocks": z.number(),
      "Shared Read Blocks": z.number(),
      "WAL Bytes": z.number(),
    }),
    "Execution Time": z.number(),
  }),
]);

/** A client whose statements are executed, and tell what they took instead of what they answer: no rows. */
export function explaining(sql: postgres.Sql, onEffort: (effort: Effort) => void): postgres.ISql {
  const explain = async (strings: TemplateStringsArray, values: postgres.ParameterOrFragment<never>[]) => {
    const statement = sql(strings, ...values);
    const [row] = await sql<[{ "QUERY PLAN": unknown }]>`
      explain (analyze, buffers, wal, format json) ${statement}`;
    const [{ Plan: plan, "Execution Time": millis }] = explained.parse(row["QUERY PLAN"]);
    const { "Shared Hit Blocks": hit, "Shared Read Blocks": read, "WAL Bytes": walBytes } = plan;
    onEffort({ micros: 1_000 * millis, buffers: hit + read, read, walBytes });
    return [];
  };
  return new Proxy(sql, {
    apply: (
      _,
      __,
      [strings, ...values]: [TemplateStringsArray, ...postgres.ParameterOrFragment<never>[]],
    ) => ({
      raw: () => explain(strings, values),
    }),
  });
}
