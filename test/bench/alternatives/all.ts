import pg from "pg";
import postgres from "postgres";
import { DataSource } from "typeorm";
import type { Alternative } from "./alternative.js";
import { drizzleAlternative } from "./drizzle.js";
import { bareStatementsAlternative } from "./bare-statements.js";
import { kyselyAlternative } from "./kysely.js";
import { lockingAlternative } from "./locking.js";
import { ENTITIES, typeormAlternative, typeormSaveAlternative } from "./typeorm.js";
import { upstreamAlternative } from "./upstream.js";
import { vmstateAlternative, vmstateFunctionAlternative, vmstateSagaAlternative } from "./vmstate.js";

/** The alternatives, each with as many connections. */
export interface Alternatives extends AsyncDisposable {
  all: Alternative[];
  /** The client of the bare statements and of vmstate. */
  sql: postgres.Sql;
  /** The client of Kysely and Drizzle. */
  pool: pg.Pool;
  /** The client of TypeORM. */
  dataSource: DataSource;
}

/** Libraries that are no alternative in this bench, and why. */
export const ABSENT = [{ name: "Prisma", why: "it is larger than all that this repository needs together" }];

export async function openAlternatives(url: string, connections: number): Promise<Alternatives> {
  // By default, pg reads an int8 as a string.
  pg.types.setTypeParser(pg.types.builtins.INT8, Number);
  const sql = postgres(url, { max: connections, onnotice: () => undefined });
  const pool = new pg.Pool({ connectionString: url, max: connections });
  const dataSource = await new DataSource({
    type: "postgres",
    url,
    poolSize: connections,
    entities: ENTITIES,
  }).initialize();
  const all = [
    bareStatementsAlternative(sql, "bench_plain"),
    bareStatementsAlternative(sql, "vmstate"),
    vmstateAlternative(sql),
    vmstateFunctionAlternative(sql),
    vmstateSagaAlternative(sql),
    upstreamAlternative(sql),
    lockingAlternative(sql),
    kyselyAlternative(pool),
    drizzleAlternative(pool),
    typeormAlternative(dataSource),
    typeormSaveAlternative(dataSource),
  ];
  const close = async (): Promise<void> => {
    await Promise.all([sql.end(), pool.end(), dataSource.destroy()]);
  };
  return { all, sql, pool, dataSource, [Symbol.asyncDispose]: close };
}
