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

/** The guest runs on the destination. */
export async function arrive(context: StepContext, { destination: active }: Migration): Promise<void> {
  await update(context, { state: "vmm", active });
}

/** The guest has left the source; the destination does not say yet that it runs. */
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

/** A dead source decides nothing: the guest may have left it already. */
async function withoutTheSource(context: StepContext, migration: Migration): Promise<void> {
  await makeProgress(context, migration);
  await endByFailure(context, migration.source);
  await updateNothing(context);
  await destinationReports(context, migration, "running", "completed");
  await arrive(context, migration);
}

/** A source that says it failed overrules a completed destination only while it lives. */
async function despiteTheSource(context: StepContext, migration: Migration): Promise<void> {
  await destinationReports(context, migration, "running", "completed");
  await sourceReports(context, migration, "failed", "failed");
  await arrive(context, migration);
}

/** The reports of both sides and two updaters, all at once; a third finishes what they left. */
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

/** Whether an update is needed depends on who comes first. */
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

/** Several updates together brought the guest to its destination. */
function followUpdates({ lifetime }: StepContext, active: Vmm, updates: number): void {
  enact(lifetime, { state: "vmm", active });
  lifetime.generation += updates - 1;
  lifetime.updaterGeneration += updates;
}
