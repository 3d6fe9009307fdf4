import { reap } from "./vmm-failure.js";
import { begin, newMigration, sagaOf } from "./migrate-saga.js";
import { failures } from "./migration-failures.js";
import { successes } from "./migration-successes.js";
import { isDead } from "../model.js";
import type { StepContext } from "../step-context.js";
import { start } from "./start-saga.js";

/** So that a fail rate of 1 ends, too. */
const MOST_FAILURES = 5;

/**
 * Migrates a running instance, again after each failure, until it succeeds.
 *
 * If the failure ended the instance, the next migration begins from a new start.
 */
export async function migrate(context: StepContext): Promise<void> {
  for (let n = 0; n < MOST_FAILURES && context.injectFault(); n++) {
    if (context.injectFault()) await failBeforeBegin(context);
    await context.random.pick(failures)(context, await begin(context));
    if (context.random.happens(0.5)) await reap(context);
    if (!isRunning(context)) await start(context);
  }
  await context.random.pick(successes)(context, await begin(context));
  await reap(context);
}

async function failBeforeBegin(context: StepContext): Promise<void> {
  const saga = sagaOf(context, newMigration(context));
  await context.client.call("unwindMigration", saga, { outcome: "not_found" });
}

function isRunning({ lifetime }: StepContext): boolean {
  return lifetime.active !== undefined && !isDead(lifetime.active);
}
