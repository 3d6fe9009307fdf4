import { dead } from "../../../sql/model.js";
import type { Answer } from "./step.js";
import { apiState, planFor } from "./plan.js";
import { attemptsNow, isUnderUpdate, mayAutoRestart, nextAutoRestart } from "./restart.js";
import {
  type InstanceRow,
  type MigrationRow,
  migrationOf,
  type Time,
  type VmmRow,
  vmmOf,
  type World,
} from "./world.js";

/** The rows of some instances in every table or view: by relation, then by id. */
export type Relations = Readonly<Record<string, Readonly<Record<string, Answer>>>>;

/** What the tables must hold. */
export function rowsOf({ instances, vmms, migrations, sleds }: World): Relations {
  return {
    instance: byId(Object.values(instances), withPlanUnlessDeleted),
    vmm: byId(Object.values(vmms), (row) => ({ ...row })),
    migration: byId(Object.values(migrations), (row) => ({ ...row })),
    sled_report: Object.fromEntries(Object.entries(sleds).map(([id, row]) => [id, { ...row }])),
  };
}

/** What the views must show. Every row waits since now, because the model makes all calls at one time. */
export function viewsOf(world: World): Relations {
  const instances = Object.values(world.instances);
  const live = Object.values(world.vmms).filter(({ timeDeleted }) => timeDeleted === null);
  const unlinked = live.filter(({ timeUnlinked }) => timeUnlinked !== null);
  return {
    api_instance: byId(
      instances.filter(({ timeDeleted }) => timeDeleted === null),
      (instance) => apiInstance(world, instance),
    ),
    instance_detail: byId(
      instances.filter(({ timeDeleted }) => timeDeleted === null),
      (instance) => instanceDetail(world, instance),
    ),
    api_migration: byId(
      Object.values(world.migrations).filter(({ timeDeleted }) => timeDeleted === null),
      (migration) => apiMigration(world, migration),
    ),
    api_vmm: byId(live, (vmm) => apiVmm(world, vmm)),
    pending_update: byId(
      instances.filter((i) => planFor(world, i).needed && !isUnderUpdate(world, i)),
      (instance) => pendingUpdate(world, instance),
    ),
    abandoned_vmm: byId(
      unlinked.filter(({ state }) => dead(state)),
      (vmm) => abandonedVmm(world, vmm),
    ),
    orphaned_vmm: byId(
      unlinked.filter(({ state }) => !dead(state)),
      (vmm) => orphanedVmm(world, vmm),
    ),
    restartable_instance: byId(
      instances.filter((instance) => mayAutoRestart(world, instance)),
      (instance) => restartableInstance(world, instance),
    ),
    watched_vmm: byId(
      live.filter(({ state }) => state !== "creating" && !dead(state)),
      (vmm) => watchedVmm(world, vmm),
    ),
    invariant_violation: {},
  };
}

/** Leaves out the last plan of a deleted instance, which no verb reads any more. */
export function withPlanUnlessDeleted(row: Answer): Answer {
  return row["timeDeleted"] === null ? row : { ...row, committedPlanToken: null };
}

function byId<T extends { id: string }>(
  rows: readonly T[],
  show: (row: T) => Answer,
): Record<string, Answer> {
  return Object.fromEntries(rows.map((row) => [row.id, show(row)]));
}

function apiInstance(world: World, instance: InstanceRow): Answer {
  const { id, projectId, name, intendedState, autoRestartPolicy, autoRestartCooldown } = instance;
  const { timeCreated, timeModified } = instance;
  const active = vmmOf(world, id, instance.activePropolisId);
  const timeStateUpdated = notInTheFuture(world, (active ?? instance).timeStateUpdated);
  return {
    ...{ id, state: apiState(world, instance), projectId, name, intendedState },
    ...{ autoRestartPolicy, autoRestartCooldown, timeStateUpdated, timeCreated, timeModified },
  };
}

function apiVmm(world: World, vmm: VmmRow): Answer {
  const { id, instanceId, sledId, propolisIp, propolisPort, failureReason, timeCreated } = vmm;
  const timeStateUpdated = notInTheFuture(world, vmm.timeStateUpdated);
  return {
    ...{ id, state: apiVmmState(vmm), instanceId, sledId, propolisIp, propolisPort },
    ...{ failureReason, timeStateUpdated, timeCreated },
  };
}

/** The API shows `saga_unwound` as destroyed. */
function apiVmmState({ state }: VmmRow): string {
  return state === "saga_unwound" ? "destroyed" : state;
}

function instanceDetail(world: World, instance: InstanceRow): Answer {
  const { id, state, stateGeneration, migrationId } = instance;
  const { state: shown, ...shownToo } = apiInstance(world, instance);
  const migration = migrationOf(world, id, migrationId);
  return {
    ...{ ...shownToo, apiState: shown, state, stateGeneration, migrationId },
    ...linkedVmm("active", vmmOf(world, id, instance.activePropolisId)),
    ...linkedVmm("destination", vmmOf(world, id, instance.destinationPropolisId)),
    migrationSourcePropolisId: migration?.sourcePropolisId ?? null,
    migrationSourceState: migration?.sourceState ?? null,
    migrationDestinationState: migration?.destinationState ?? null,
  };
}

function linkedVmm(role: "active" | "destination", vmm: VmmRow | undefined): Answer {
  return {
    [`${role}PropolisId`]: vmm?.id ?? null,
    [`${role}ApiState`]: vmm ? apiVmmState(vmm) : null,
    [`${role}SledId`]: vmm?.sledId ?? null,
    [`${role}PropolisIp`]: vmm?.propolisIp ?? null,
    [`${role}PropolisPort`]: vmm?.propolisPort ?? null,
  };
}

function apiMigration(world: World, migration: MigrationRow): Answer {
  const { id, instanceId, sourcePropolisId, sourceState, destinationPropolisId, destinationState } =
    migration;
  const { timeCreated, timeReported } = migration;
  const source = vmmOf(world, instanceId, sourcePropolisId);
  const destination = vmmOf(world, instanceId, destinationPropolisId);
  return {
    ...{ id, instanceId, sourcePropolisId, sourceState, destinationPropolisId, destinationState },
    sourceSledId: source?.sledId,
    sourceApiState: source && apiVmmState(source),
    destinationSledId: destination?.sledId,
    destinationApiState: destination && apiVmmState(destination),
    timeSourceUpdated: notInTheFuture(world, migration.timeSourceUpdated),
    timeDestinationUpdated: notInTheFuture(world, migration.timeDestinationUpdated),
    ...{ timeCreated, timeReported },
  };
}

function pendingUpdate(world: World, instance: InstanceRow): Answer {
  const { id: instanceId, stateGeneration, updaterGeneration } = instance;
  const { verdict } = planFor(world, instance);
  return { instanceId, verdict, stateGeneration, updaterGeneration, since: world.now };
}

function abandonedVmm(
  world: World,
  { instanceId, id: propolisId, sledId, state, timeUnlinked }: VmmRow,
): Answer {
  return { instanceId, propolisId, sledId, state, timeUnlinked, since: world.now };
}

function orphanedVmm(world: World, vmm: VmmRow): Answer {
  const { instanceId, id: propolisId, sledId, propolisIp, propolisPort, state, timeUnlinked } = vmm;
  return {
    ...{ instanceId, propolisId, sledId, propolisIp, propolisPort, state, timeUnlinked },
    expectedToEnd: isExpectedToEnd(world, vmm),
    since: world.now,
  };
}

/** The source of a migration that got through, or whose destination lives on with the guest. */
function isExpectedToEnd(world: World, { id }: VmmRow): boolean {
  return Object.values(world.migrations).some((m) => {
    if (m.sourcePropolisId !== id || m.sourceState === "failed") return false;
    const destination = vmmOf(world, m.instanceId, m.destinationPropolisId);
    const isCarriedOn =
      m.sourceState === "completed" && destination !== undefined && !dead(destination.state);
    return m.destinationState === "completed" || (m.destinationState !== "failed" && isCarriedOn);
  });
}

function restartableInstance(world: World, instance: InstanceRow): Answer {
  const { id: instanceId, stateGeneration, timeLastAutoRestarted } = instance;
  return {
    ...{ instanceId, apiState: apiState(world, instance), stateGeneration, timeLastAutoRestarted },
    ...{ since: world.now, autoRestartAttempts: attemptsNow(world, instance) },
    timeNextAutoRestart: nextAutoRestart(world, instance) ?? instance.timeStateUpdated,
  };
}

function watchedVmm(world: World, vmm: VmmRow): Answer {
  const { instanceId, id: propolisId, sledId, propolisIp, propolisPort, state, stateGeneration } = vmm;
  const { timeReported, timeUnlinked } = vmm;
  const timeStateUpdated = notInTheFuture(world, vmm.timeStateUpdated);
  return {
    ...{ instanceId, propolisId, sledId, propolisIp, propolisPort },
    ...{ state, stateGeneration, timeStateUpdated, linked: timeUnlinked === null, timeReported },
    timeHeard: Math.max(timeReported ?? 0, world.sleds[sledId]?.timeAgreed ?? 0),
  };
}

/** The clock of a sled may be ahead. */
function notInTheFuture(world: World, time: Time): Time {
  return typeof time === "string" && Date.parse(time) > Date.now() ? world.now : time;
}
