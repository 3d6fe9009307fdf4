import { aftermath, die, reap } from "./vmm-failure.js";
import {
  destinationReports,
  makeProgress,
  markUnwound,
  sagaOf,
  sourceReports,
  unwind,
} from "./migrate-saga.js";
import { arrive, handOver } from "./migration-successes.js";
import { isDead, judge, type Migration, take } from "../model.js";
import { type Scene, together } from "../step-context.js";
import { newsOf, report, reportTooLate, toArguments } from "./sled-agent.js";
import { clearance, unwind as unwindStart } from "./start-saga.js";
import { commit, linkedOf, planUpdate, refuse, replan, update, updateNothing } from "./update-saga.js";

type Failure = (scene: Scene, migration: Migration) => Promise<void>;

/** How a migration may fail; afterwards the instance runs where it did, or not at all. */
export const failures: readonly [Failure, ...Failure[]] = [
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
  if (scene.goesWrong()) await destinationReports(scene, migration, "running", "completed");
  if (scene.chance.happens(0.5)) await update(scene, clearance(scene));
}

/** The guest runs on where it was. */
async function stay(scene: Scene, { source: active, destination }: Migration): Promise<void> {
  await update(scene, { state: "vmm", active, terminates: isDead(destination) ? [] : [destination] });
}

/** The next migration finds the unwound one, or none. */
async function maybeStay(scene: Scene, migration: Migration): Promise<void> {
  if (scene.chance.happens(0.5)) await stay(scene, migration);
}
