import pg from "pg";
import postgres from "postgres";
import { DataSource } from "typeorm";
import type { Contestant } from "./alternative.js";
import { drizzleContestant } from "./drizzle.js";
import { floorContestant } from "./bare-statements.js";
import { kyselyContestant } from "./kysely.js";
import { lockingContestant } from "./locking.js";
import { ENTITIES, typeormContestant, typeormSaveContestant } from "./typeorm.js";
import { upstreamContestant } from "./upstream.js";
import { vmstateContestant, vmstateFunctionContestant, vmstateSagaContestant } from "./vmstate.js";

/** The contestants, each with as many connections. */
export interface Contestants extends AsyncDisposable {
  all: Contestant[];
  /** The client of the floor and of vmstate. */
  sql: postgres.Sql;
}

/** Who would have been one. */
export const ABSENT = [
  { name: "Prisma", why: "npm alone does not install it: generating its client downloads an engine" },
];

export async function openContestants(url: string, connections: number): Promise<Contestants> {
  // else it is a string
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
    floorContestant(sql, "bench_plain"),
    floorContestant(sql, "vmstate"),
    vmstateContestant(sql),
    vmstateFunctionContestant(sql),
    vmstateSagaContestant(sql),
    upstreamContestant(sql),
    lockingContestant(sql),
    kyselyContestant(pool),
    drizzleContestant(pool),
    typeormContestant(dataSource),
    typeormSaveContestant(dataSource),
  ];
  const close = async (): Promise<void> => {
    await Promise.all([sql.end(), pool.end(), dataSource.destroy()]);
  };
  return { all, sql, [Symbol.asyncDispose]: close };
}
