import { aftermath, endByFailure, reap } from "./vmm-failure.js";
import {
  destinationReports,
  makeProgress,
  markUnwound,
  sagaOf,
  sourceReports,
  unwind,
} from "./migrate-saga.js";
import { arrive, handOver } from "./migration-successes.js";
import { isDead, expectedVerdict, type Migration, applyReport } from "../model.js";
import { type StepContext, together } from "../step-context.js";
import { newsOf, report, reportTooLate } from "./sled-agent.js";
import { clearance, unwind as unwindStart } from "./start-saga.js";
import { commit, linkedOf, planUpdate, refuse, replan, update, updateNothing } from "./update-saga.js";
import { toArguments } from "../late-reports.js";

type Failure = (context: StepContext, migration: Migration) => Promise<void>;

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

async function unwoundAtOnce(context: StepContext, migration: Migration): Promise<void> {
  await unwind(context, migration);
  await maybeStay(context, migration);
}

async function unwoundUnderWay(context: StepContext, migration: Migration): Promise<void> {
  await destinationReports(context, migration, "starting", "in_progress");
  await unwind(context, migration);
  await reportTooLate(context, migration.destination);
  await maybeStay(context, migration);
}

async function unwoundAtTheEnd(context: StepContext, migration: Migration): Promise<void> {
  await makeProgress(context, migration);
  await unwind(context, migration);
  await maybeStay(context, migration);
}

/** Unwinds the saga while the guest arrives; one of the two is refused. */
async function racingTheUnwinding(context: StepContext, migration: Migration): Promise<void> {
  const { client } = context;
  await makeProgress(context, migration);
  const news = newsOf(context, migration.destination, "running", {
    migrationIn: { migration, state: "completed" },
  });
  const applied = { outcome: "applied" } as const;
  const tooLate = { outcome: "conflict", reason: "handed_over" } as const;
  const arrived = { vmmOutcome: "applied", migrationInOutcome: "applied", updateNeeded: true } as const;
  const dead = { vmmOutcome: "terminal", migrationInOutcome: "terminal", updateNeeded: false } as const;
  const [{ outcome }] = await together(
    context,
    () => client.call("unwindMigration", sagaOf(context, migration), applied, tooLate),
    () => client.call("reportVmm", toArguments(news), arrived, dead),
  );
  if (outcome === "applied") {
    markUnwound(migration);
    await maybeStay(context, migration);
  } else {
    applyReport(news, expectedVerdict(news));
    await arrive(context, migration);
  }
}

/**
 * Lets the destination die.
 *
 * The saga may still unwind what the update has not unlinked yet.
 */
async function destinationDies(context: StepContext, migration: Migration): Promise<void> {
  const { client } = context;
  const { destination } = migration;
  await endByFailure(context, destination);
  if (context.random.happens(0.5)) {
    await unwind(context, migration);
    await maybeStay(context, migration);
    return;
  }
  await stay(context, migration);
  const { state, generation: stateGeneration } = destination;
  const saga = sagaOf(context, migration);
  await client.call("unwindMigration", saga, { outcome: "unchanged", state, stateGeneration });
  await reap(context);
  await client.call("unwindMigration", saga, { outcome: "gone", state, stateGeneration });
  await destinationReports(context, migration, "running", "completed");
  await sourceReports(context, migration, "running", "failed");
}

async function destinationFails(context: StepContext, migration: Migration): Promise<void> {
  await makeProgress(context, migration);
  await destinationReports(context, migration, context.random.pick(["failed", "destroyed"]), "failed");
  await stay(context, migration);
  await sourceReports(context, migration, "running", "failed");
}

async function destinationGivesUp(context: StepContext, migration: Migration): Promise<void> {
  await destinationReports(context, migration, "stopping", "failed");
  await stay(context, migration);
}

async function sourceGivesUp(context: StepContext, migration: Migration): Promise<void> {
  await makeProgress(context, migration);
  await sourceReports(context, migration, "running", "failed");
  await stay(context, migration);
}

async function sourceOverrules(context: StepContext, migration: Migration): Promise<void> {
  await destinationReports(context, migration, "running", "completed");
  await sourceReports(context, migration, "running", "failed");
  await stay(context, migration);
}

/**
 * Lets a plan become outdated.
 *
 * The VMM that the plan would terminate ends by itself before the commit.
 */
async function planOutdated(context: StepContext, migration: Migration): Promise<void> {
  const { source, destination } = migration;
  await sourceReports(context, migration, "running", "failed");
  const change = { state: "vmm", active: source } as const;
  const outdated = await planUpdate(context, { ...change, terminates: [destination] });
  await report(context, destination, "destroyed");
  await refuse(context, outdated, "plan_changed");
  await commit(context, await replan(context, outdated, change), change);
}

/** Lets the source die before the destination gets the guest. */
async function sourceLost(context: StepContext, migration: Migration): Promise<void> {
  const { random } = context;
  await endByFailure(context, migration.source);
  await updateNothing(context);
  if (random.happens(0.5)) await unwind(context, migration);
  else await destinationReports(context, migration, random.pick(["failed", "stopping"]), "failed");
  await update(context, aftermath(context, migration.source));
}

async function guestLost(context: StepContext, migration: Migration): Promise<void> {
  await sourceReports(context, migration, context.random.pick(["stopping", "destroyed"]), "completed");
  await loseGuest(context, migration);
}

async function guestLostAfterHandOver(context: StepContext, migration: Migration): Promise<void> {
  await makeProgress(context, migration);
  await sourceReports(context, migration, "stopping", "completed");
  await handOver(context, migration);
  await loseGuest(context, migration);
}

async function loseGuest(context: StepContext, migration: Migration): Promise<void> {
  const { destination } = migration;
  if (context.random.happens(0.5)) await endByFailure(context, destination);
  else await destinationReports(context, migration, "stopping", "failed");
  const terminates = linkedOf(context.lifetime).filter((vmm) => !isDead(vmm));
  await update(
    context,
    isDead(destination) ? aftermath(context, destination) : { state: "failed", terminates },
  );
}

/** Unwinds the start saga of the source, which makes the migration void. */
async function startUnwound(context: StepContext, migration: Migration): Promise<void> {
  if (migration.source.cameBy === "migration") {
    await unwoundAtOnce(context, migration);
    return;
  }
  await makeProgress(context, migration);
  await unwindStart(context, migration.source);
  if (context.injectFault()) await destinationReports(context, migration, "running", "completed");
  if (context.random.happens(0.5)) await update(context, clearance(context));
}

/** Updates an instance whose guest runs on in the source. */
async function stay(context: StepContext, { source: active, destination }: Migration): Promise<void> {
  await update(context, { state: "vmm", active, terminates: isDead(destination) ? [] : [destination] });
}

/** Updates the instance or not, so that the next migration finds either. */
async function maybeStay(context: StepContext, migration: Migration): Promise<void> {
  if (context.random.happens(0.5)) await stay(context, migration);
}
