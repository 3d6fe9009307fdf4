import { die, reap } from "./vmm-failure.js";
import { destinationReports, makeProgress, sourceReports, unwindTooLate } from "./migrate-saga.js";
import { judge, type Migration, type Report, take, type Vmm } from "../model.js";
import type { Scene } from "../step-context.js";
import { newsOf, toArguments } from "./sled-agent.js";
import { enact, update, updateNothing } from "./update-saga.js";

type Success = (scene: Scene, migration: Migration) => Promise<void>;

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
export async function arrive(scene: Scene, { destination: active }: Migration): Promise<void> {
  await update(scene, { state: "vmm", active });
}

/** The guest has left the source; the destination does not say yet that it runs. */
export async function handOver(scene: Scene, { destination: active }: Migration): Promise<void> {
  await update(scene, { state: "vmm", active, isMigrating: true });
}

async function destinationFirst(scene: Scene, migration: Migration): Promise<void> {
  await makeProgress(scene, migration);
  await destinationReports(scene, migration, "running", "completed");
  if (scene.goesWrong()) await unwindTooLate(scene, migration);
  await arrive(scene, migration);
  await sourceReports(scene, migration, "stopping", "completed");
}

async function sourceFirst(scene: Scene, migration: Migration): Promise<void> {
  await makeProgress(scene, migration);
  await sourceReports(scene, migration, "stopping", "completed");
  if (scene.goesWrong()) await unwindTooLate(scene, migration);
  await handOver(scene, migration);
  if (scene.goesWrong()) await reap(scene);
  await destinationReports(scene, migration, "running", "completed");
  await arrive(scene, migration);
}

async function bothAtOnce(scene: Scene, migration: Migration): Promise<void> {
  const reports = [
    () => destinationReports(scene, migration, "running", "completed"),
    () => sourceReports(scene, migration, "destroyed", "completed"),
  ];
  if (scene.chance.happens(0.5)) reports.reverse();
  for (const each of reports) await each();
  if (scene.goesWrong()) await unwindTooLate(scene, migration);
  await arrive(scene, migration);
}

/** A dead source decides nothing: the guest may have left it already. */
async function withoutTheSource(scene: Scene, migration: Migration): Promise<void> {
  await makeProgress(scene, migration);
  await die(scene, migration.source);
  await updateNothing(scene);
  await destinationReports(scene, migration, "running", "completed");
  await arrive(scene, migration);
}

/** A source that says it failed overrules a completed destination only while it lives. */
async function despiteTheSource(scene: Scene, migration: Migration): Promise<void> {
  await destinationReports(scene, migration, "running", "completed");
  await sourceReports(scene, migration, "failed", "failed");
  await arrive(scene, migration);
}

/** The reports of both sides and two updaters, all at once; a third finishes what they left. */
async function racingUpdates(scene: Scene, migration: Migration): Promise<void> {
  const { source, destination } = migration;
  const news = [
    newsOf(scene, destination, "running", { migrationIn: { migration, state: "completed" } }),
    newsOf(scene, source, "stopping", { migrationOut: { migration, state: "completed" } }),
  ];
  const [, ...updates] = await Promise.all([
    Promise.all(news.map((each) => reportInARace(scene, each))),
    runUpdate(scene),
    runUpdate(scene),
  ]);
  updates.push(await runUpdate(scene));
  followUpdates(scene, destination, updates.filter((outcome) => outcome === "applied").length);
  await updateNothing(scene);
}

/** Whether an update is needed depends on who comes first. */
async function reportInARace({ caller }: Scene, news: Report): Promise<void> {
  const { updateNeeded, ...outcomes } = judge(news);
  take(news, { updateNeeded, ...outcomes });
  await caller.call("reportVmm", toArguments(news), outcomes);
}

async function runUpdate(scene: Scene): Promise<string> {
  const saga = { instanceId: scene.life.instanceId, sagaId: scene.newId() };
  const { outcome } = await scene.caller.call(
    "runUpdate",
    saga,
    { outcome: "applied" },
    { outcome: "unchanged" },
  );
  return outcome;
}

/** Several updates together brought the guest to its destination. */
function followUpdates({ life }: Scene, active: Vmm, updates: number): void {
  enact(life, { state: "vmm", active });
  life.generation += updates - 1;
  life.updaterGeneration += updates;
}
