import type { TestDatabase } from "../../support/copy.js";
import { SERIALIZATION_FAILURE } from "./expected-errors.js";
import { Workload, type WorkloadOptions } from "./workload.js";
import type { Totals } from "./totals.js";

export interface IsolationOptions {
  seed: number;
  workers: number;
  /** How many writes are to be acknowledged at least. */
  writes: number;
  totals: Totals;
}

/** Few instances, so that the callers contend for rows. */
const FEW = 2;
/** Writes between two looks at how far the callers are. */
const STEP = 100;
/** By far enough to call every function at every level. */
const MOST_STEPS = 200;

/**
 * Lets callers at all three isolation levels contend for rows: they may have to try again, and meet no other error.
 *
 * Returns the functions that were called at each level, by their names in SQL.
 */
export async function mixIsolationLevels(
  database: TestDatabase,
  options: IsolationOptions,
): Promise<string[]> {
  const { writes, totals } = options;
  const workload: WorkloadOptions = {
    ...options,
    database,
    instances: FEW,
    expected: [SERIALIZATION_FAILURE],
    isolations: ["serializable", "repeatable read", "read committed"],
  };
  let called: string[] = [];
  await Workload.during(workload, async (workload) => {
    for (let n = 0; n < writes; n += STEP) await workload.progress(STEP);
    for (let n = 0; n < MOST_STEPS && (await workload.uncalled()).length > 0; n++)
      await workload.progress(STEP);
    for (const line of await workload.uncalled()) totals.wrong.add(line);
    totals.count("retries", workload.expectedErrors.countOf(SERIALIZATION_FAILURE));
    called = workload.called();
  });
  return called;
}
