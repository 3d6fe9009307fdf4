import { aftermath, die, reap } from "./death.js";
import {
  begin,
  destinationReports,
  makeProgress,
  markUnwound,
  newMigration,
  sagaOf,
  sourceReports,
  unwind,
  unwindTooLate,
} from "./migrate-saga.js";
import { isDead, judge, type Migration, take } from "./model.js";
import { type Scene, together } from "./scene.js";
import { newsOf, report, reportTooLate, toArguments } from "./sled-agent.js";
import { clearance, start, unwind as unwindStart } from "./start-saga.js";
import { commit, enact, linkedOf, planUpdate, refuse, replan, update, updateNothing } from "./update-saga.js";

type Course = (scene: Scene, migration: Migration) => Promise<void>;

/** How a migration may get through. */
const successes: readonly [Course, ...Course[]] = [
  destinationFirst,
  sourceFirst,
  bothAtOnce,
  withoutTheSource,
  despiteTheSource,
  racingUpdates,
];

/** How it may fail; afterwards the instance runs where it did, or not at all. */
const failures: readonly [Course, ...Course[]] = [
  unwoundAtOnce,
  unwoundUnderWay,
  unwoundAtTheEnd,
  racingTheUnwinding,
  destinationDies,
  destinationFails,
  destinationGivesUp,
  sourceGivesUp,
  sourceOverrules,
  planOutdated,
  sourceLost,
  guestLost,
  guestLostAfterHandOver,
  startUnwound,
];

const MOST_FAILURES = 5;

/** A running instance moves to another sled; failed migrations are tried again, from a new start if need be. */
export async function migrate(scene: Scene): Promise<void> {
  for (let n = 0; n < MOST_FAILURES && scene.goesWrong(); n++) {
    if (scene.goesWrong())
      await scene.caller.call("unwindMigration", sagaOf(scene, newMigration(scene)), notFound);
    await scene.chance.pick(failures)(scene, await begin(scene));
    if (scene.chance.happens(0.5)) await reap(scene);
    if (!isRunning(scene)) await start(scene);
  }
  await scene.chance.pick(successes)(scene, await begin(scene));
  await reap(scene);
}

const notFound = { outcome: "not_found" } as const;

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

/** The reports of both sides and two updaters, all at once. */
async function racingUpdates(scene: Scene, migration: Migration): Promise<void> {
  const { caller, life } = scene;
  const { source, destination } = migration;
  const updaters = [scene.newId(), scene.newId()].map((sagaId) => ({ instanceId: life.instanceId, sagaId }));
  const news = [
    newsOf(scene, destination, "running", { migrationIn: { migration, state: "completed" } }),
    newsOf(scene, source, "stopping", { migrationOut: { migration, state: "completed" } }),
  ];
  const reports = news.map((each) => {
    const { vmmOutcome, migrationInOutcome, migrationOutOutcome } = judge(each);
    take(each, { vmmOutcome, migrationInOutcome, migrationOutOutcome, updateNeeded: true });
    return caller.call("reportVmm", toArguments(each), {
      vmmOutcome,
      migrationInOutcome,
      migrationOutOutcome,
    });
  });
  const eitherWay = [{ outcome: "applied" }, { outcome: "unchanged" }] as const;
  const runs = await Promise.all([
    ...updaters.map((updater) => caller.call("runUpdate", updater, ...eitherWay)),
    ...reports.map((each) => each.then(() => ({ outcome: "unchanged" }))),
  ]);
  const last = await caller.call(
    "runUpdate",
    { instanceId: life.instanceId, sagaId: scene.newId() },
    ...eitherWay,
  );
  const applied = [...runs, last].filter(({ outcome }) => outcome === "applied").length;
  enact(life, { state: "vmm", active: destination });
  life.generation += applied - 1;
  life.updaterGeneration += applied;
  await updateNothing(scene);
}

async function unwoundAtOnce(scene: Scene, migration: Migration): Promise<void> {
  await unwind(scene, migration);
  await maybeStay(scene, migration);
}

async function unwoundUnderWay(scene: Scene, migration: Migration): Promise<void> {
  await destinationReports(scene, migration, "starting", "in_progress");
  await unwind(scene, migration);
  await reportTooLate(scene, migration.destination);
  await maybeStay(scene, migration);
}

async function unwoundAtTheEnd(scene: Scene, migration: Migration): Promise<void> {
  await makeProgress(scene, migration);
  await unwind(scene, migration);
  await maybeStay(scene, migration);
}

/** Either the saga is undone, or the guest arrives. */
async function racingTheUnwinding(scene: Scene, migration: Migration): Promise<void> {
  const { caller } = scene;
  await makeProgress(scene, migration);
  const news = newsOf(scene, migration.destination, "running", {
    migrationIn: { migration, state: "completed" },
  });
  const applied = { outcome: "applied" } as const;
  const tooLate = { outcome: "conflict", reason: "handed_over" } as const;
  const arrived = { vmmOutcome: "applied", migrationInOutcome: "applied", updateNeeded: true } as const;
  const dead = { vmmOutcome: "terminal", migrationInOutcome: "terminal", updateNeeded: false } as const;
  const [{ outcome }] = await together(
    scene,
    () => caller.call("unwindMigration", sagaOf(scene, migration), applied, tooLate),
    () => caller.call("reportVmm", toArguments(news), arrived, dead),
  );
  if (outcome === "applied") {
    markUnwound(migration);
    await maybeStay(scene, migration);
  } else {
    take(news, judge(news));
    await arrive(scene, migration);
  }
}

/** The saga may still undo what the update has not unlinked yet. */
async function destinationDies(scene: Scene, migration: Migration): Promise<void> {
  const { caller } = scene;
  const { destination } = migration;
  await die(scene, destination);
  if (scene.chance.happens(0.5)) {
    await unwind(scene, migration);
    await maybeStay(scene, migration);
    return;
  }
  await stay(scene, migration);
  const { state, generation: stateGeneration } = destination;
  const saga = sagaOf(scene, migration);
  await caller.call("unwindMigration", saga, { outcome: "unchanged", state, stateGeneration });
  await reap(scene);
  await caller.call("unwindMigration", saga, { outcome: "gone", state, stateGeneration });
  await destinationReports(scene, migration, "running", "completed");
  await sourceReports(scene, migration, "running", "failed");
}

async function destinationFails(scene: Scene, migration: Migration): Promise<void> {
  await makeProgress(scene, migration);
  await destinationReports(scene, migration, scene.chance.pick(["failed", "destroyed"]), "failed");
  await stay(scene, migration);
  await sourceReports(scene, migration, "running", "failed");
}

async function destinationGivesUp(scene: Scene, migration: Migration): Promise<void> {
  await destinationReports(scene, migration, "stopping", "failed");
  await stay(scene, migration);
}

async function sourceGivesUp(scene: Scene, migration: Migration): Promise<void> {
  await makeProgress(scene, migration);
  await sourceReports(scene, migration, "running", "failed");
  await stay(scene, migration);
}

async function sourceOverrules(scene: Scene, migration: Migration): Promise<void> {
  await destinationReports(scene, migration, "running", "completed");
  await sourceReports(scene, migration, "running", "failed");
  await stay(scene, migration);
}

/** The VMM that the plan would terminate ends by itself before the commit. */
async function planOutdated(scene: Scene, migration: Migration): Promise<void> {
  const { source, destination } = migration;
  await sourceReports(scene, migration, "running", "failed");
  const change = { state: "vmm", active: source } as const;
  const outdated = await planUpdate(scene, { ...change, terminates: [destination] });
  await report(scene, destination, "destroyed");
  await refuse(scene, outdated, "plan_changed");
  await commit(scene, await replan(scene, outdated, change), change);
}

/** The source dies, and the destination never gets the guest. */
async function sourceLost(scene: Scene, migration: Migration): Promise<void> {
  const { chance } = scene;
  await die(scene, migration.source);
  await updateNothing(scene);
  if (chance.happens(0.5)) await unwind(scene, migration);
  else await destinationReports(scene, migration, chance.pick(["failed", "stopping"]), "failed");
  await update(scene, aftermath(scene, migration.source));
}

async function guestLost(scene: Scene, migration: Migration): Promise<void> {
  await sourceReports(scene, migration, scene.chance.pick(["stopping", "destroyed"]), "completed");
  await loseGuest(scene, migration);
}

async function guestLostAfterHandOver(scene: Scene, migration: Migration): Promise<void> {
  await makeProgress(scene, migration);
  await sourceReports(scene, migration, "stopping", "completed");
  await handOver(scene, migration);
  await loseGuest(scene, migration);
}

async function loseGuest(scene: Scene, migration: Migration): Promise<void> {
  const { destination } = migration;
  if (scene.chance.happens(0.5)) await die(scene, destination);
  else await destinationReports(scene, migration, "stopping", "failed");
  const terminates = linkedOf(scene.life).filter((vmm) => !isDead(vmm));
  await update(scene, isDead(destination) ? aftermath(scene, destination) : { state: "failed", terminates });
}

/** The saga that started the source fails only now: the migration is void. */
async function startUnwound(scene: Scene, migration: Migration): Promise<void> {
  if (migration.source.cameBy === "migration") {
    await unwoundAtOnce(scene, migration);
    return;
  }
  await makeProgress(scene, migration);
  await unwindStart(scene, migration.source);
  if (scene.goesWrong()) await destinationReports(scene, migration, "running", "in_progress");
  if (scene.chance.happens(0.5)) await update(scene, clearance(scene));
}

/** The guest runs on the destination. */
async function arrive(scene: Scene, { destination: active }: Migration): Promise<void> {
  await update(scene, { state: "vmm", active });
}

/** The guest has left the source; the destination does not say that it runs yet. */
async function handOver(scene: Scene, { destination: active }: Migration): Promise<void> {
  await update(scene, { state: "vmm", active, isMigrating: true });
}

/** The guest runs on where it was. */
async function stay(scene: Scene, { source: active, destination }: Migration): Promise<void> {
  await update(scene, { state: "vmm", active, terminates: isDead(destination) ? [] : [destination] });
}

/** The next migration finds the unwound one, or none. */
async function maybeStay(scene: Scene, migration: Migration): Promise<void> {
  if (scene.chance.happens(0.5)) await stay(scene, migration);
}

function isRunning({ life }: Scene): boolean {
  return life.active !== undefined && !isDead(life.active);
}
