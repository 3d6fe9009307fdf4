import type { Sql } from "postgres";
import { Random } from "../../../src/simulator/random.js";
import type { TestDatabase } from "../../support/copy.js";
import { CANCELLED, CUT } from "./expected-errors.js";
import { Workload, WORKLOAD_NAME } from "./workload.js";
import type { Totals } from "./totals.js";

export interface TerminationOptions {
  seed: number;
  workers: number;
  terminations: number;
  totals: Totals;
}

/** Ends sessions of a workload and cancels statements of others, wherever they are. */
export async function terminate(database: TestDatabase, options: TerminationOptions): Promise<void> {
  const { seed, terminations } = options;
  const random = new Random(seed, 1);
  await Workload.during({ ...options, database, expected: [...CUT, CANCELLED] }, async (workload) => {
    for (let n = 0; n < terminations; n++) {
      await workload.progress(random.below(20));
      await hitOne(database.sql, random, options.totals);
    }
  });
}

async function hitOne(sql: Sql, random: Random, totals: Totals): Promise<void> {
  const busy = await sql<{ pid: number }[]>`
    select pid from pg_stat_activity
      where application_name = ${WORKLOAD_NAME} and datname = current_database() and state <> 'idle' order by pid`;
  const target = busy[random.below(busy.length)];
  if (target === undefined) return;
  const isEnd = random.happens(0.6);
  const [{ isHit }] = await sql<[{ isHit: boolean }]>`
    select case when ${isEnd} then pg_terminate_backend(${target.pid}) else pg_cancel_backend(${target.pid}) end as "isHit"`;
  if (isHit) totals.count(isEnd ? "terminations" : "cancellations");
}
