import type { TestDatabase } from "../../support/copy.js";
import { SERIALIZATION_FAILURE } from "./expected-errors.js";
import { Load, type LoadOptions } from "./workload.js";
import type { Tally } from "./totals.js";

export interface IsolationOptions {
  seed: number;
  workers: number;
  /** How many writes are to be acknowledged at least. */
  writes: number;
  tally: Tally;
}

/** So that they meet. */
const FEW = 2;
const STEP = 100;
/** By far enough to call every function at every level. */
const MOST_STEPS = 200;

/** Callers of all three levels get in each other's way: they may have to try again, and meet no other error. */
export async function isolate(database: TestDatabase, options: IsolationOptions): Promise<void> {
  const { writes, tally } = options;
  const load: LoadOptions = {
    ...options,
    database,
    instances: FEW,
    expected: [SERIALIZATION_FAILURE],
    isolations: ["serializable", "repeatable read", "read committed"],
  };
  await Load.during(load, async (load) => {
    for (let n = 0; n < writes; n += STEP) await load.progress(STEP);
    for (let n = 0; n < MOST_STEPS && load.uncalled().length > 0; n++) await load.progress(STEP);
    for (const name of load.uncalled()) tally.wrong.add(`never called: ${name}`);
    tally.count("retries", load.faults.countOf(SERIALIZATION_FAILURE));
  });
}
