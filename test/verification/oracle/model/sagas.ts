import type {
  BeginMigrationArguments,
  BeginStartArguments,
  UnwindMigrationArguments,
  UnwindStartArguments,
} from "../../../../src/client/generated.js";
import { alive } from "../../../sql/model.js";
import { showInstance } from "./plan.js";
import { attemptsNow, mayAutoRestart } from "./restart.js";
import {
  applied,
  conflict,
  type Decision,
  gone,
  onLiveInstance,
  onVmm,
  type Show,
  type Step,
  unchanged,
} from "./step.js";
import {
  hasCompleted,
  type InstanceRow,
  migrationOf,
  type MigrationRow,
  migrationsOf,
  vmmOf,
  type VmmRow,
  type World,
  write,
} from "./world.js";
import { ON_INSTANCE, conflicts } from "./documented.js";

/** Every outcome and reason that a verb of this file may answer. */
export const ANSWERS = {
  begin_start: [
    ...ON_INSTANCE,
    ...conflicts("creating", "already_started", "not_stopped", "stale_generation"),
    ...conflicts("restart_not_permitted", "propolis_id_taken"),
  ],
  unwind_start: [...ON_INSTANCE, ...conflicts("wrong_saga", "migration_destination", "handed_over")],
  begin_migration: [
    ...ON_INSTANCE,
    ...conflicts("not_running", "wrong_source", "migration_in_progress", "same_sled", "stale_generation"),
    ...conflicts("propolis_id_taken", "migration_id_taken"),
  ],
  unwind_migration: [...ON_INSTANCE, ...conflicts("wrong_saga", "handed_over")],
} as const;

const showStart: Show = (world, id) => ({ ...showInstance(world, id), replacedPropolisId: null });

export function beginStart(world: World, a: BeginStartArguments): Step {
  return onLiveInstance(world, a.instanceId, showStart, (instance) => {
    const replay = replayed(world, a, a.propolisId, undefined);
    if (replay) return replay;
    const reason = startRefusal(world, instance, a);
    if (reason !== undefined) return conflict(reason);
    if (world.vmms[a.propolisId]) return conflict("propolis_id_taken");

    const isAutomatic = a.startReason === "auto_restart";
    const started: InstanceRow = {
      ...instance,
      state: "vmm",
      stateGeneration: instance.stateGeneration + 1,
      timeStateUpdated: world.now,
      activePropolisId: a.propolisId,
      intendedState: "running",
      timeLastAutoRestarted: isAutomatic ? world.now : instance.timeLastAutoRestarted,
      autoRestartAttempts: isAutomatic ? attemptsNow(world, instance) + 1 : 0,
      timeModified: world.now,
    };
    const after = write(world, { instance: started, vmms: [newVmm(a, a.propolisId, null, world.now)] });
    return applied(after, { replacedPropolisId: instance.activePropolisId });
  });
}

function startRefusal(world: World, instance: InstanceRow, a: BeginStartArguments): string | undefined {
  if (instance.state === "creating") return "creating";
  const active = vmmOf(world, instance.id, instance.activePropolisId);
  switch (active?.state) {
    case "creating":
    case "starting":
    case "running":
    case "rebooting":
    case "migrating":
      return "already_started";
    case "stopping":
    case "stopped":
    case "failed":
    case "destroyed":
      return "not_stopped";
    case "saga_unwound":
    case undefined:
  }
  if (isStale(a.expectedGeneration, instance.stateGeneration)) return "stale_generation";
  const isPermitted = a.startReason !== "auto_restart" || mayAutoRestart(world, instance);
  return isPermitted ? undefined : "restart_not_permitted";
}

export function beginMigration(world: World, a: BeginMigrationArguments): Step {
  return onLiveInstance(world, a.instanceId, showInstance, (instance) => {
    const replay = replayed(world, a, a.destinationPropolisId, a);
    if (replay) return replay;
    const reason = migrationRefusal(world, instance, a);
    if (reason !== undefined) return conflict(reason);

    const migrating: InstanceRow = {
      ...instance,
      stateGeneration: instance.stateGeneration + 1,
      timeStateUpdated: world.now,
      destinationPropolisId: a.destinationPropolisId,
      migrationId: a.migrationId,
    };
    const vmms = [newVmm(a, a.destinationPropolisId, a.migrationId, world.now)];
    return applied(write(world, { instance: migrating, vmms, migrations: [newMigration(a, world.now)] }));
  });
}

function migrationRefusal(
  world: World,
  instance: InstanceRow,
  a: BeginMigrationArguments,
): string | undefined {
  const active = vmmOf(world, instance.id, instance.activePropolisId);
  const destination = vmmOf(world, instance.id, instance.destinationPropolisId);
  if (active?.state !== "running" && active?.state !== "rebooting") return "not_running";
  if (active.id !== a.sourcePropolisId) return "wrong_source";
  if (destination && destination.state !== "saga_unwound") return "migration_in_progress";
  if (active.sledId === a.sledId) return "same_sled";
  if (isStale(a.expectedGeneration, instance.stateGeneration)) return "stale_generation";
  if (world.vmms[a.destinationPropolisId]) return "propolis_id_taken";
  return world.migrations[a.migrationId] ? "migration_id_taken" : undefined;
}

type Migrating = Pick<BeginMigrationArguments, "migrationId" | "sourcePropolisId">;

/**
 * Decides on a begin that the same saga has made before; undefined: it is no replay.
 *
 * After the saga's own unwind it is none, and refused for the VMM id at the latest.
 *
 * @param migrating the migration that is begun; undefined for a start
 */
function replayed(
  world: World,
  { instanceId, sagaId }: { instanceId: string; sagaId: string },
  propolisId: string,
  migrating: Migrating | undefined,
): Decision | undefined {
  const vmm = vmmOf(world, instanceId, propolisId);
  if (vmm?.sagaId !== sagaId || vmm.migrationId !== (migrating?.migrationId ?? null)) return undefined;
  const migration = migrationOf(world, instanceId, vmm.migrationId);
  if (migration && migration.sourcePropolisId !== migrating?.sourcePropolisId) return undefined;
  const isPurged = migrating !== undefined && migration === undefined;
  if (vmm.timeDeleted !== null || isPurged || (migration?.timeDeleted ?? null) !== null) return gone;
  return vmm.state === "saga_unwound" ? undefined : unchanged;
}

export function unwindStart(world: World, a: UnwindStartArguments): Step {
  return onVmm(world, a.instanceId, a.propolisId, (vmm) => {
    if (vmm.timeDeleted !== null) return gone;
    if (vmm.sagaId !== a.sagaId) return conflict("wrong_saga");
    if (vmm.migrationId !== null) return conflict("migration_destination");
    if (!canUnwind(vmm)) return unchanged;
    if (isHandedOver(world, vmm)) return conflict("handed_over");
    return applied(write(world, { vmms: [unwound(vmm, world.now)] }));
  });
}

/** Tells whether an unwind changes the VMM: a dead VMM without a link keeps its state. */
function canUnwind({ state, timeUnlinked }: VmmRow): boolean {
  return state !== "saga_unwound" && (alive(state) || timeUnlinked === null);
}

/** Tells whether the guest has left the VMM, by the linked migration or by the one that unlinked the VMM. */
function isHandedOver(world: World, { instanceId, id, timeUnlinked }: VmmRow): boolean {
  const linkedId = world.instances[instanceId]?.migrationId;
  return migrationsOf(world, instanceId)
    .filter((m) => m.sourcePropolisId === id && (m.id === linkedId || timeUnlinked !== null))
    .some(hasCompleted);
}

export function unwindMigration(world: World, a: UnwindMigrationArguments): Step {
  const migration = migrationOf(world, a.instanceId, a.migrationId);
  return onVmm(world, a.instanceId, migration?.destinationPropolisId ?? null, (vmm) => {
    if (migration?.timeDeleted !== null || vmm.timeDeleted !== null) return gone;
    if (migration.sagaId !== a.sagaId) return conflict("wrong_saga");
    if (!canUnwind(vmm)) return unchanged;
    if (hasCompleted(migration)) return conflict("handed_over");
    return applied(
      write(world, { vmms: [unwound(vmm, world.now)], migrations: [bothFailed(migration, world.now)] }),
    );
  });
}

function bothFailed(migration: MigrationRow, now: number): MigrationRow {
  const { sourceState, sourceGeneration, destinationState, destinationGeneration } = migration;
  const source: Partial<MigrationRow> =
    sourceState === "failed"
      ? {}
      : { sourceState: "failed", sourceGeneration: sourceGeneration + 1, timeSourceUpdated: now };
  const destination: Partial<MigrationRow> =
    destinationState === "failed"
      ? {}
      : {
          destinationState: "failed",
          destinationGeneration: destinationGeneration + 1,
          timeDestinationUpdated: now,
        };
  const isEnded = sourceState === "failed" && destinationState === "failed";
  return { ...migration, ...source, ...destination, ...(!isEnded && { timeReported: now }) };
}

function unwound(vmm: VmmRow, now: number): VmmRow {
  const stateGeneration = vmm.stateGeneration + 1;
  const times = { timeStateUpdated: now, timeReported: now };
  return { ...vmm, state: "saga_unwound", stateGeneration, ...times, failureReason: null };
}

function isStale(expected: number | null | undefined, actual: number): boolean {
  return (expected ?? actual) !== actual;
}

type NewVmm = Pick<BeginStartArguments, "instanceId" | "sagaId" | "sledId" | "propolisIp" | "propolisPort">;

/** Makes the VMM that a begin verb inserts, before it is linked. */
function newVmm(a: NewVmm, id: string, migrationId: string | null, now: number): VmmRow {
  return {
    instanceId: a.instanceId,
    id,
    sledId: a.sledId,
    propolisIp: a.propolisIp,
    propolisPort: a.propolisPort ?? 12400,
    sagaId: a.sagaId,
    state: "creating",
    stateGeneration: 1,
    timeStateUpdated: now,
    timeReported: null,
    timeStarted: null,
    failureReason: null,
    timeUnlinked: now,
    timeCreated: now,
    timeDeleted: null,
    migrationId,
  };
}

function newMigration(a: BeginMigrationArguments, now: number): MigrationRow {
  return {
    instanceId: a.instanceId,
    id: a.migrationId,
    sagaId: a.sagaId,
    sourcePropolisId: a.sourcePropolisId,
    sourceState: "pending",
    sourceGeneration: 1,
    timeSourceUpdated: now,
    destinationPropolisId: a.destinationPropolisId,
    destinationState: "pending",
    destinationGeneration: 1,
    timeDestinationUpdated: now,
    timeReported: null,
    timeCreated: now,
    timeDeleted: null,
  };
}
