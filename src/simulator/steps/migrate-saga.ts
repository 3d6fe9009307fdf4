import type { ReportedVmmState } from "../../client/generated.js";
import type { Arguments } from "../checked-client.js";
import { apiStateOf, isEnded, type Migration, type Side } from "../model.js";
import { PROPOLIS_IP, type StepContext } from "../step-context.js";
import { report } from "./sled-agent.js";
import { failToCommit, planUpdate, unlinkMigration, unlinkVmm } from "./update-saga.js";

/** Begins a migration from the active VMM to a new VMM. */
export async function begin(context: StepContext): Promise<Migration> {
  const { lifetime } = context;
  if (context.active.state !== "running") await report(context, context.active, "running");
  const isPlanned = lifetime.migration !== undefined && context.injectFault();
  const holder = isPlanned ? await planUpdate(context, { state: "vmm", active: context.active }) : undefined;
  const migration = newMigration(context);
  if (context.injectFault()) await beginWrongly(context, migration);
  link(context, migration);
  await context.client.call("beginMigration", argumentsOf(context, migration), {
    outcome: "applied",
    ...context.expectedColumns(),
  });
  if (context.injectFault()) await beginAgain(context, migration);
  if (holder) await failToCommit(context, holder);
  return migration;
}

/** Unwinds a migrate saga; its only undo that counts here is in the database. */
export async function unwind(context: StepContext, migration: Migration): Promise<void> {
  const { client, lifetime } = context;
  const saga = sagaOf(context, migration);
  if (context.injectFault()) await unwindWrongly(context, migration);
  markUnwound(migration);
  const unwound = { state: migration.destination.state, stateGeneration: migration.destination.generation };
  await client.call("unwindMigration", saga, { outcome: "applied", ...unwound });
  await client.call("apiInstance", { instanceId: lifetime.instanceId }, { state: apiStateOf(lifetime) });
  if (!context.injectFault()) return;
  await client.call("unwindMigration", saga, { outcome: "unchanged", ...unwound });
  await destinationReports(context, migration, "running", "completed");
  await sourceReports(context, migration, "migrating", "in_progress");
}

/**
 * Checks that no saga is unwound once a side has completed.
 *
 * The guest may be on the destination by then.
 */
export async function unwindTooLate(context: StepContext, migration: Migration): Promise<void> {
  const { client, lifetime } = context;
  const tooLate = { outcome: "conflict", reason: "handed_over" } as const;
  await client.call("unwindMigration", sagaOf(context, migration), tooLate);
  const { id: propolisId, sagaId, cameBy } = migration.source;
  const reason = cameBy === "start" ? "handed_over" : "migration_destination";
  await client.call(
    "unwindStart",
    { instanceId: lifetime.instanceId, sagaId, propolisId },
    { ...tooLate, reason },
  );
}

/** Reports the destination VMM and the destination side of the migration. */
export async function destinationReports(
  context: StepContext,
  migration: Migration,
  state: ReportedVmmState,
  side: Side["state"],
): Promise<void> {
  await report(context, migration.destination, state, { migrationIn: { migration, state: side } });
}

/** Reports the source VMM and the source side of the migration. */
export async function sourceReports(
  context: StepContext,
  migration: Migration,
  state: ReportedVmmState,
  side: Side["state"],
): Promise<void> {
  await report(context, migration.source, state, { migrationOut: { migration, state: side } });
}

/** Reports both sides as in progress; which is reported first differs. */
export async function makeProgress(context: StepContext, migration: Migration): Promise<void> {
  const parts = [
    () => destinationReports(context, migration, "migrating", "in_progress"),
    () => sourceReports(context, migration, context.random.pick(["running", "migrating"]), "in_progress"),
  ];
  if (context.random.happens(0.5)) parts.reverse();
  for (const part of parts) await part();
}

/** Marks the migration as unwound in the model. */
export function markUnwound({ destination, sourceSide, destinationSide }: Migration): void {
  destination.state = "saga_unwound";
  destination.generation++;
  for (const side of [sourceSide, destinationSide].filter((each) => !isEnded(each))) {
    side.state = "failed";
    side.generation++;
  }
}

/** Returns the arguments of `unwind_migration` for the saga of a migration. */
export function sagaOf({ lifetime }: StepContext, { sagaId, id }: Migration): Arguments<"unwindMigration"> {
  return { instanceId: lifetime.instanceId, sagaId, migrationId: id };
}

/** Makes a migration, with its destination, that a saga is about to begin. */
export function newMigration(context: StepContext): Migration {
  const source = context.active;
  const destination = context.newVmm(source);
  return {
    id: context.newId(),
    sagaId: destination.sagaId,
    source,
    destination,
    sourceSide: { state: "pending", generation: 1 },
    destinationSide: { state: "pending", generation: 1 },
    isLinked: false,
    isDeleted: false,
  };
}

async function beginWrongly(context: StepContext, migration: Migration): Promise<void> {
  const { client, lifetime } = context;
  const attempt = argumentsOf(context, migration);
  const refused = { outcome: "conflict", ...context.expectedColumns() } as const;
  const sameSled = { ...attempt, sledId: migration.source.sledId };
  await client.call("beginMigration", sameSled, { ...refused, reason: "same_sled" });
  const elsewhere = { ...attempt, sourcePropolisId: context.newId() };
  await client.call("beginMigration", elsewhere, { ...refused, reason: "wrong_source" });
  const outdated = { ...attempt, expectedGeneration: lifetime.generation + 1 };
  await client.call("beginMigration", outdated, { ...refused, reason: "stale_generation" });
  const { id: propolisId } = migration.source;
  const taken = { ...attempt, destinationPropolisId: propolisId };
  await client.call("beginMigration", taken, { ...refused, reason: "propolis_id_taken" });
  await client.call("unwindMigration", sagaOf(context, migration), { outcome: "not_found" });
}

async function beginAgain(context: StepContext, migration: Migration): Promise<void> {
  const { client } = context;
  const again = { ...argumentsOf(context, migration), expectedGeneration: 1 };
  await client.call("beginMigration", again, { outcome: "unchanged", ...context.expectedColumns() });
  const busy = {
    outcome: "conflict",
    reason: "migration_in_progress",
    ...context.expectedColumns(),
  } as const;
  await client.call("beginMigration", argumentsOf(context, newMigration(context)), busy);
}

async function unwindWrongly(context: StepContext, migration: Migration): Promise<void> {
  const { client, lifetime } = context;
  const wrongSaga = { ...sagaOf(context, migration), sagaId: context.newId() };
  await client.call("unwindMigration", wrongSaga, { outcome: "conflict", reason: "wrong_saga" });
  const { id: propolisId, sagaId } = migration.destination;
  const wrongVerb = { instanceId: lifetime.instanceId, sagaId, propolisId };
  await client.call("unwindStart", wrongVerb, { outcome: "conflict", reason: "migration_destination" });
}

/** Links a new migration, which replaces none or an unwound one, in the model. */
function link({ lifetime }: StepContext, migration: Migration): void {
  if (lifetime.migration) unlinkVmm(lifetime, lifetime.migration.destination);
  unlinkMigration(lifetime);
  migration.isLinked = true;
  migration.destination.isLinked = true;
  lifetime.migration = migration;
  lifetime.generation++;
}

function argumentsOf(context: StepContext, migration: Migration): Arguments<"beginMigration"> {
  const { sagaId, id: migrationId, source, destination } = migration;
  return {
    instanceId: context.lifetime.instanceId,
    sagaId,
    migrationId,
    sourcePropolisId: source.id,
    destinationPropolisId: destination.id,
    sledId: destination.sledId,
    propolisIp: PROPOLIS_IP,
  };
}
