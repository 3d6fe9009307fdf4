import { endByFailure, reap } from "./vmm-failure.js";
import { destinationReports, makeProgress, sourceReports, unwindTooLate } from "./migrate-saga.js";
import { expectedVerdict, type Migration, type Report, applyReport, type Vmm } from "../model.js";
import type { StepContext } from "../step-context.js";
import { newsOf } from "./sled-agent.js";
import { enact, update, updateNothing } from "./update-saga.js";
import { toArguments } from "../late-reports.js";

type Success = (context: StepContext, migration: Migration) => Promise<void>;

/** How a migration may get through; afterwards the instance runs on the destination. */
export const successes: readonly [Success, ...Success[]] = [
  destinationFirst,
  sourceFirst,
  bothAtOnce,
  withoutTheSource,
  despiteTheSource,
  racingUpdates,
];

/** Updates an instance whose guest runs in the destination. */
export async function arrive(context: StepContext, { destination: active }: Migration): Promise<void> {
  await update(context, { state: "vmm", active });
}

/**
 * Updates an instance whose guest has left the source.
 *
 * The destination has not yet reported that the guest runs there.
 */
export async function handOver(context: StepContext, { destination: active }: Migration): Promise<void> {
  await update(context, { state: "vmm", active, isMigrating: true });
}

async function destinationFirst(context: StepContext, migration: Migration): Promise<void> {
  await makeProgress(context, migration);
  await destinationReports(context, migration, "running", "completed");
  if (context.injectFault()) await unwindTooLate(context, migration);
  await arrive(context, migration);
  await sourceReports(context, migration, "stopping", "completed");
}

async function sourceFirst(context: StepContext, migration: Migration): Promise<void> {
  await makeProgress(context, migration);
  await sourceReports(context, migration, "stopping", "completed");
  if (context.injectFault()) await unwindTooLate(context, migration);
  await handOver(context, migration);
  if (context.injectFault()) await reap(context);
  await destinationReports(context, migration, "running", "completed");
  await arrive(context, migration);
}

async function bothAtOnce(context: StepContext, migration: Migration): Promise<void> {
  const reports = [
    () => destinationReports(context, migration, "running", "completed"),
    () => sourceReports(context, migration, "destroyed", "completed"),
  ];
  if (context.random.happens(0.5)) reports.reverse();
  for (const each of reports) await each();
  if (context.injectFault()) await unwindTooLate(context, migration);
  await arrive(context, migration);
}

/**
 * Completes a migration whose source died, which decides nothing.
 *
 * The guest may have left the source already.
 */
async function withoutTheSource(context: StepContext, migration: Migration): Promise<void> {
  await makeProgress(context, migration);
  await endByFailure(context, migration.source);
  await updateNothing(context);
  await destinationReports(context, migration, "running", "completed");
  await arrive(context, migration);
}

/**
 * Completes a migration whose source reports both itself and its side failed.
 *
 * A failed source side overrules a completed destination only while the source VMM lives.
 */
async function despiteTheSource(context: StepContext, migration: Migration): Promise<void> {
  await destinationReports(context, migration, "running", "completed");
  await sourceReports(context, migration, "failed", "failed");
  await arrive(context, migration);
}

/** Reports both sides while two updates run; a third update does the rest. */
async function racingUpdates(context: StepContext, migration: Migration): Promise<void> {
  const { source, destination } = migration;
  const news = [
    newsOf(context, destination, "running", { migrationIn: { migration, state: "completed" } }),
    newsOf(context, source, "stopping", { migrationOut: { migration, state: "completed" } }),
  ];
  const [, ...updates] = await Promise.all([
    Promise.all(news.map((each) => reportInARace(context, each))),
    runUpdate(context),
    runUpdate(context),
  ]);
  updates.push(await runUpdate(context));
  followUpdates(context, destination, updates.filter((outcome) => outcome === "applied").length);
  await updateNothing(context);
}

/** Reports without a check of updateNeeded, which depends on who comes first. */
async function reportInARace({ client }: StepContext, news: Report): Promise<void> {
  const { updateNeeded, ...outcomes } = expectedVerdict(news);
  applyReport(news, { updateNeeded, ...outcomes });
  await client.call("reportVmm", toArguments(news), outcomes);
}

async function runUpdate(context: StepContext): Promise<string> {
  const saga = { instanceId: context.lifetime.instanceId, sagaId: context.newId() };
  const { outcome } = await context.client.call(
    "runUpdate",
    saga,
    { outcome: "applied" },
    { outcome: "unchanged" },
  );
  return outcome;
}

/** Makes the model what several updates together have made of the instance. */
function followUpdates({ lifetime }: StepContext, active: Vmm, updates: number): void {
  enact(lifetime, { state: "vmm", active });
  lifetime.generation += updates - 1;
  lifetime.updaterGeneration += updates;
}
