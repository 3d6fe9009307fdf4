import { randomBytes } from "node:crypto";
import type postgres from "postgres";
import { migrate, type SqlClient } from "../../../src/index.js";
import { Chance } from "../../../src/replay/chance.js";
import { copyDatabase } from "../../harness/copy.js";
import { Clock } from "./clock.js";
import { loadPopulation, type Population } from "./population.js";

/** What observes calls. */
export interface Caller {
  /** For what is not observed. It has one connection, the one that is observed. */
  sql: postgres.Sql;
  /** The answer, if the call is one that is answered. */
  call: <Answer>(what: string, act: (sql: SqlClient) => Promise<Answer>) => Promise<Answer | undefined>;
}

/** A loaded database. */
export interface Site {
  population: Population;
  caller: Caller;
  chance: Chance;
}

/** One that is measured. */
export interface MeasuredSite extends Site, AsyncDisposable {
  vmms: number;
  caller: Clock;
}

const LOADERS = 2;

/** Loads it. */
export async function openSite(
  serverUrl: string,
  load: { vmms: number; seed: number; onLoaded?: (vmms: number) => void },
): Promise<MeasuredSite> {
  const name = `vmstate_growth_${randomBytes(6).toString("hex")}`;
  const database = await copyDatabase({ serverUrl, name, template: "template0" });
  try {
    await migrate(database.url);
    const population = await loadPopulation(database.connect({ max: LOADERS }), load);
    const caller = new Clock(database.connect({ max: 1 }));
    const chance = new Chance(load.seed, load.vmms);
    return { vmms: load.vmms, population, caller, chance, [Symbol.asyncDispose]: () => database.drop() };
  } catch (error) {
    await database.drop();
    throw error;
  }
}
