import type { ReportedVmmState } from "../../client/generated.js";
import type { Arguments } from "../checked-client.js";
import { apiStateOf, isEnded, type Migration, type Side } from "../model.js";
import { PROPOLIS_IP, type Scene } from "../step-context.js";
import { report } from "./sled-agent.js";
import { failToCommit, planUpdate, unlinkMigration, unlinkVmm } from "./update-saga.js";

/** First step of a migrate saga: from the active VMM to a new one. */
export async function begin(scene: Scene): Promise<Migration> {
  const { life } = scene;
  if (scene.active.state !== "running") await report(scene, scene.active, "running");
  const isPlanned = life.migration !== undefined && scene.goesWrong();
  const holder = isPlanned ? await planUpdate(scene, { state: "vmm", active: scene.active }) : undefined;
  const migration = newMigration(scene);
  if (scene.goesWrong()) await beginWrongly(scene, migration);
  link(scene, migration);
  await scene.caller.call("beginMigration", argumentsOf(scene, migration), {
    outcome: "applied",
    ...scene.stands(),
  });
  if (scene.goesWrong()) await beginAgain(scene, migration);
  if (holder) await failToCommit(scene, holder);
  return migration;
}

/** The migrate saga fails; what it undoes first is in the database. */
export async function unwind(scene: Scene, migration: Migration): Promise<void> {
  const { caller, life } = scene;
  const saga = sagaOf(scene, migration);
  if (scene.goesWrong()) await unwindWrongly(scene, migration);
  markUnwound(migration);
  const unwound = { state: migration.destination.state, stateGeneration: migration.destination.generation };
  await caller.call("unwindMigration", saga, { outcome: "applied", ...unwound });
  await caller.call("apiInstance", { instanceId: life.instanceId }, { state: apiStateOf(life) });
  if (!scene.goesWrong()) return;
  await caller.call("unwindMigration", saga, { outcome: "unchanged", ...unwound });
  await destinationReports(scene, migration, "running", "completed");
  await sourceReports(scene, migration, "migrating", "in_progress");
}

/** A side has completed: the guest may be there, and nobody can undo that. */
export async function unwindTooLate(scene: Scene, migration: Migration): Promise<void> {
  const { caller, life } = scene;
  const tooLate = { outcome: "conflict", reason: "handed_over" } as const;
  await caller.call("unwindMigration", sagaOf(scene, migration), tooLate);
  const { id: propolisId, sagaId, cameBy } = migration.source;
  const reason = cameBy === "start" ? "handed_over" : "migration_destination";
  await caller.call(
    "unwindStart",
    { instanceId: life.instanceId, sagaId, propolisId },
    { ...tooLate, reason },
  );
}

/** The destination's sled reports the VMM there and its side of the migration. */
export async function destinationReports(
  scene: Scene,
  migration: Migration,
  state: ReportedVmmState,
  side: Side["state"],
): Promise<void> {
  await report(scene, migration.destination, state, { migrationIn: { migration, state: side } });
}

/** The source's sled reports the VMM there and its side of the migration. */
export async function sourceReports(
  scene: Scene,
  migration: Migration,
  state: ReportedVmmState,
  side: Side["state"],
): Promise<void> {
  await report(scene, migration.source, state, { migrationOut: { migration, state: side } });
}

/** Both sleds work on it; who says so first differs. */
export async function makeProgress(scene: Scene, migration: Migration): Promise<void> {
  const parts = [
    () => destinationReports(scene, migration, "migrating", "in_progress"),
    () => sourceReports(scene, migration, scene.chance.pick(["running", "migrating"]), "in_progress"),
  ];
  if (scene.chance.happens(0.5)) parts.reverse();
  for (const part of parts) await part();
}

/** Makes the model what the database must be after the saga's unwinding. */
export function markUnwound({ destination, sourceSide, destinationSide }: Migration): void {
  destination.state = "saga_unwound";
  destination.generation++;
  for (const side of [sourceSide, destinationSide].filter((each) => !isEnded(each))) {
    side.state = "failed";
    side.generation++;
  }
}

/** What the unwinding saga calls `unwind_migration` with. */
export function sagaOf({ life }: Scene, { sagaId, id }: Migration): Arguments<"unwindMigration"> {
  return { instanceId: life.instanceId, sagaId, migrationId: id };
}

/** A migration that a saga is about to begin, with its destination. */
export function newMigration(scene: Scene): Migration {
  const source = scene.active;
  const destination = scene.newVmm(source);
  return {
    id: scene.newId(),
    sagaId: destination.sagaId,
    source,
    destination,
    sourceSide: { state: "pending", generation: 1 },
    destinationSide: { state: "pending", generation: 1 },
    isLinked: false,
    isDeleted: false,
  };
}

async function beginWrongly(scene: Scene, migration: Migration): Promise<void> {
  const { caller, life } = scene;
  const attempt = argumentsOf(scene, migration);
  const refused = { outcome: "conflict", ...scene.stands() } as const;
  const sameSled = { ...attempt, sledId: migration.source.sledId };
  await caller.call("beginMigration", sameSled, { ...refused, reason: "same_sled" });
  const elsewhere = { ...attempt, sourcePropolisId: scene.newId() };
  await caller.call("beginMigration", elsewhere, { ...refused, reason: "wrong_source" });
  const outdated = { ...attempt, expectedGeneration: life.generation + 1 };
  await caller.call("beginMigration", outdated, { ...refused, reason: "stale_generation" });
  const { id: propolisId } = migration.source;
  const taken = { ...attempt, destinationPropolisId: propolisId };
  await caller.call("beginMigration", taken, { ...refused, reason: "propolis_id_taken" });
  await caller.call("unwindMigration", sagaOf(scene, migration), { outcome: "not_found" });
}

async function beginAgain(scene: Scene, migration: Migration): Promise<void> {
  const { caller } = scene;
  const again = { ...argumentsOf(scene, migration), expectedGeneration: 1 };
  await caller.call("beginMigration", again, { outcome: "unchanged", ...scene.stands() });
  const busy = { outcome: "conflict", reason: "migration_in_progress", ...scene.stands() } as const;
  await caller.call("beginMigration", argumentsOf(scene, newMigration(scene)), busy);
}

async function unwindWrongly(scene: Scene, migration: Migration): Promise<void> {
  const { caller, life } = scene;
  const wrongSaga = { ...sagaOf(scene, migration), sagaId: scene.newId() };
  await caller.call("unwindMigration", wrongSaga, { outcome: "conflict", reason: "wrong_saga" });
  const { id: propolisId, sagaId } = migration.destination;
  const wrongVerb = { instanceId: life.instanceId, sagaId, propolisId };
  await caller.call("unwindStart", wrongVerb, { outcome: "conflict", reason: "migration_destination" });
}

/** The new destination replaces none or an unwound one. */
function link({ life }: Scene, migration: Migration): void {
  if (life.migration) unlinkVmm(life, life.migration.destination);
  unlinkMigration(life);
  migration.isLinked = true;
  migration.destination.isLinked = true;
  life.migration = migration;
  life.generation++;
}

function argumentsOf(scene: Scene, migration: Migration): Arguments<"beginMigration"> {
  const { sagaId, id: migrationId, source, destination } = migration;
  return {
    instanceId: scene.life.instanceId,
    sagaId,
    migrationId,
    sourcePropolisId: source.id,
    destinationPropolisId: destination.id,
    sledId: destination.sledId,
    propolisIp: PROPOLIS_IP,
  };
}
