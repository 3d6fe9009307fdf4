import { randomBytes } from "node:crypto";
import type postgres from "postgres";
import { migrate } from "../../../src/schema/index.js";
import { Random } from "../../../src/simulator/random.js";
import { copyDatabase } from "../../support/copy.js";
import { Clock } from "./clock.js";
import { type Load, loadPopulation, type Population } from "./population.js";

/** What observes calls. */
export interface Caller {
  /** For what is not observed. It has one connection, the one that is observed. */
  sql: postgres.Sql;
  /** Tells whether so much time went into a call of this name that it should not be made again. */
  isSpent: (what: string) => boolean;
  /** Makes a call; answers undefined if the call is only explained. */
  call: <Answer>(what: string, act: (sql: postgres.ISql) => Promise<Answer>) => Promise<Answer | undefined>;
}

/** A loaded database. */
export interface Site {
  population: Population;
  caller: Caller;
  random: Random;
}

/** A site whose calls are measured. */
export interface MeasuredSite extends Site, AsyncDisposable {
  vmms: number;
  caller: Clock;
  loadSeconds: number;
  /** Tables and indexes, as loaded. */
  mebibytes: number;
}

/** Connections that load at the same time. */
const LOADERS = 2;

/** Makes a database, and loads a population of VMMs into it. */
export async function openSite(serverUrl: string, load: Load): Promise<MeasuredSite> {
  const name = `vmstate_growth_${randomBytes(6).toString("hex")}`;
  const database = await copyDatabase({ serverUrl, name, template: "template0" });
  try {
    await migrate(database.url);
    const started = performance.now();
    const population = await loadPopulation(database.connect({ max: LOADERS }), load);
    const loadSeconds = Number(((performance.now() - started) / 1_000).toFixed(1));
    const caller = new Clock(database.connect({ max: 1 }));
    const mebibytes = await sizeOf(caller.sql);
    const random = new Random(load.seed, load.vmms);
    const drop = (): Promise<void> => database.drop();
    return {
      ...{ vmms: load.vmms, population, caller, random, loadSeconds, mebibytes },
      [Symbol.asyncDispose]: drop,
    };
  } catch (error) {
    await database.drop();
    throw error;
  }
}

async function sizeOf(sql: postgres.Sql): Promise<number> {
  const [row] = await sql<[{ mebibytes: number }]>`
    select round(sum(pg_total_relation_size(oid)) / 1024 ^ 2)::float8 as mebibytes
    from pg_class where relnamespace = 'vmstate'::regnamespace and relkind = 'r'`;
  return row.mebibytes;
}
