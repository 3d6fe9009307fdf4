import type { Sql } from "postgres";
import { Chance } from "../../../src/simulator/random.js";
import type { TestDatabase } from "../../support/copy.js";
import { CANCELLED, CUT } from "./expected-errors.js";
import { Load, LOAD } from "./workload.js";
import type { Tally } from "./totals.js";

export interface TerminationOptions {
  seed: number;
  workers: number;
  terminations: number;
  tally: Tally;
}

/** Of a load, now this session is ended and now the statement of that one, wherever it is. */
export async function terminate(database: TestDatabase, options: TerminationOptions): Promise<void> {
  const { seed, terminations } = options;
  const chance = new Chance(seed, 1);
  await Load.during({ ...options, database, expected: [...CUT, CANCELLED] }, async (load) => {
    for (let n = 0; n < terminations; n++) {
      await load.progress(chance.below(20));
      await hitOne(database.sql, chance, options.tally);
    }
  });
}

async function hitOne(sql: Sql, chance: Chance, tally: Tally): Promise<void> {
  const busy = await sql<{ pid: number }[]>`
    select pid from pg_stat_activity
      where application_name = ${LOAD} and datname = current_database() and state <> 'idle' order by pid`;
  const victim = busy[chance.below(busy.length)];
  if (victim === undefined) return;
  const isEnd = chance.happens(0.6);
  const [{ isHit }] = await sql<[{ isHit: boolean }]>`
    select case when ${isEnd} then pg_terminate_backend(${victim.pid}) else pg_cancel_backend(${victim.pid}) end as "isHit"`;
  if (isHit) tally.count(isEnd ? "terminations" : "cancellations");
}
