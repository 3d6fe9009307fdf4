import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import { invariantViolations } from "../../../src/index.js";
import { Random } from "../../../src/simulator/random.js";
import { createRunning } from "../../bench/fleet.js";
import type { TestDatabase } from "../../support/copy.js";
import { until } from "../../support/until.js";
import { forgottenVerbs } from "../../support/verbs.js";
import { AcknowledgedWrites } from "../faults/acknowledged-writes.js";
import { newPool, repeating } from "../faults/connections.js";
import { ExpectedErrors } from "../faults/expected-errors.js";
import { RandomWriters } from "../faults/random-writers.js";
import { Totals } from "../faults/totals.js";
import { PLACE } from "../faults/workload.js";
import type { Verdict } from "../prove.js";
import { FORMS, reportOnce, type Sent } from "./reporters.js";
import { SteadyVmms } from "./targets.js";

export interface BatchSettings {
  seed: number;
  /** How many reports are to be sent at least. */
  reports: number;
  /** Connections that send batches, and as many that call every other verb. */
  workers: number;
}

/** What was tried, and what of it failed. */
export interface MixedBatches extends Sent {
  /** Verbs of instances and sleds, and reads of views, that other connections called, by their names in SQL. */
  called: string[];
  deadlocks: number;
  /** Calls that failed, and answers that were wrong. */
  errors: string[];
  violations: number;
  /** VMMs whose row is not as the newest report says. */
  notAsReported: number;
}

/** VMMs that only reports write: more than a batch has, so that batches overlap in part. */
const STEADY = 60;
/** Instances on which the other verbs are called: few, so that calls and batches meet on them. */
const MOVING = 8;
/** Reports beyond those asked for, at most, while a verb has not been called yet. */
const MOST_MORE = 200_000;
const NAME = "vmstate batches";
/** Settings of a session that looks for deadlocks after a short wait. */
export const SOON = { connection: { application_name: NAME, options: "-c deadlock_timeout=10ms" } };

/**
 * Sends overlapping batches of every form in random order, while other connections call every verb of instances and sleds
 * on half of their VMMs: none may deadlock, and what is newest stays.
 */
export async function mixBatches(database: TestDatabase, settings: BatchSettings): Promise<MixedBatches> {
  const { seed, reports, workers } = settings;
  const [first, ...others] = await createRunning(database.sql, randomUUID(), STEADY);
  if (first === undefined) throw new Error("there is no VMM to report");
  const steady = new SteadyVmms([first, ...others]);
  const sent: Sent = { reports: 0, batches: 0 };
  const totals = new Totals();
  const called = new Set<string>();
  const isDone = async (): Promise<boolean> =>
    sent.reports >= reports &&
    (sent.reports >= reports + MOST_MORE || (await forgottenVerbs(database.sql, PLACE, called)).length === 0);

  const stop = new AbortController();
  const writing = write(database, settings, totals, called, stop.signal);
  const reporting = Array.from({ length: workers }, async (_, n) => {
    const sql = database.connect({ max: 1, ...SOON });
    const random = new Random(seed, n);
    for (let batch = n; totals.failures === 0 && !(await isDone()); batch++)
      await reportOnce(sql, FORMS[batch % FORMS.length] ?? "arrays", steady, random, sent).catch(
        (error: unknown) => totals.wrong.add(`a batch: ${String(error)}`),
      );
    await sql.end();
  });
  await Promise.all([writing, Promise.all(reporting).finally(() => stop.abort())]);
  return {
    ...sent,
    called: [...called],
    deadlocks: await countDeadlocks(database.sql),
    errors: totals.problems(),
    violations: (await invariantViolations(database.sql)).length,
    notAsReported: await steady.countWrong(database.sql),
  };
}

/** Calls every verb of instances and sleds at random, until the signal. */
async function write(
  database: TestDatabase,
  { seed, workers }: BatchSettings,
  totals: Totals,
  called: Set<string>,
  signal: AbortSignal,
): Promise<void> {
  const expectedErrors = new ExpectedErrors([]);
  const pool = newPool(database.url, NAME, workers);
  // A call is noted as its isolation level and the name of its function.
  const names = { add: (each: string) => called.add(each.slice(each.lastIndexOf(" ") + 1)) };
  const connection = {
    ...{ sql: repeating(pool, expectedErrors), pool, isolation: "read committed" as const },
    ...{ acknowledgedWrites: new AcknowledgedWrites(), expectedErrors, called: names },
  };
  const writers = new RandomWriters(MOVING, totals);
  await writers.prepare(connection);
  const work = Array.from({ length: workers }, (_, n) =>
    writers.write(connection, new Random(seed, workers + n), signal),
  );
  await Promise.all(work);
  await pool.end();
}

/** Returns how many deadlocks the server counted in the database; a session counts when it ends. */
export async function countDeadlocks(sql: postgres.Sql): Promise<number> {
  await until("all sessions have ended", async () => {
    const sessions = await sql`
      select from pg_stat_activity where datname = current_database() and application_name = ${NAME}`;
    return sessions.length === 0;
  });
  const [row] = await sql<[{ deadlocks: number }]>`
    select deadlocks::int from pg_stat_database where datname = current_database()`;
  return row.deadlocks;
}

/** Says on one line what was tried and what failed. */
export function verdictOf(mixed: MixedBatches, seconds: number): Verdict {
  const number = (value: number): string => value.toLocaleString("en");
  const { reports, batches, called, deadlocks, errors, violations, notAsReported } = mixed;
  return {
    figures:
      `${number(reports)} reports in ${number(batches)} batches of ${FORMS.length} forms, among calls of ` +
      `${called.length} functions, ${deadlocks} deadlocks, ${errors.length} errors, ${violations} violations, ` +
      `${notAsReported} VMMs not as last reported, ${seconds} s`,
    failures: deadlocks + errors.length + violations + notAsReported,
  };
}
