import { alive, effectiveState, type Input, type Plan, planOf, type Vmm } from "../../../sql/model.js";
import type {
  ApiInstanceState,
  InstanceState,
  IntendedState,
  MigrationVerdict,
} from "../../../../src/client/generated.js";
import type { Answer } from "./step.js";
import { attemptsNow } from "./restart.js";
import {
  hadBeenRunning,
  type InstanceRow,
  migrationOf,
  type MigrationRow,
  vmmOf,
  type World,
} from "./world.js";

/** What an update plan shows, in the terms of the database. */
interface PlanColumns {
  newState: InstanceState;
  newActivePropolisId: string | null;
  newDestinationPropolisId: string | null;
  newMigrationId: string | null;
  newIntendedState: IntendedState;
  network: Plan["network"];
  networkPropolisId: string | null;
  unlinkedPropolisIds: string[];
  terminatePropolisIds: string[];
}

export interface InstancePlan {
  needed: boolean;
  verdict: MigrationVerdict;
  columns: PlanColumns;
}

export function planFor(world: World, instance: InstanceRow): InstancePlan {
  const { activePropolisId, destinationPropolisId, migrationId } = instance;
  const plan = planOf(inputOf(world, instance));
  const idOf = (vmm: Vmm | null): string | null =>
    vmm === null ? null : vmm === "A" ? activePropolisId : destinationPropolisId;
  const idsOf = (vmms: readonly Vmm[]): string[] => vmms.map(idOf).filter((id) => id !== null);
  return {
    needed: plan.needed,
    verdict: plan.verdict,
    columns: {
      newState: plan.state,
      newActivePropolisId: idOf(plan.active),
      newDestinationPropolisId: idOf(plan.destination),
      newMigrationId: plan.migration ? migrationId : null,
      newIntendedState: plan.intent,
      network: plan.network,
      networkPropolisId: idOf(plan.active),
      unlinkedPropolisIds: idsOf(plan.unlinked),
      terminatePropolisIds: idsOf(plan.terminate),
    },
  };
}

/** The instance as its plan leaves it, and the updater lock released by the updater that committed. */
export function carriedOut(
  world: World,
  instance: InstanceRow,
  { needed, columns }: InstancePlan,
  { updaterId, updaterGeneration }: { updaterId: string | null; updaterGeneration: number },
): InstanceRow {
  return {
    ...instance,
    state: columns.newState,
    stateGeneration: instance.stateGeneration + (needed ? 1 : 0),
    timeStateUpdated: needed ? world.now : instance.timeStateUpdated,
    activePropolisId: columns.newActivePropolisId,
    destinationPropolisId: columns.newDestinationPropolisId,
    migrationId: columns.newMigrationId,
    intendedState: columns.newIntendedState,
    autoRestartAttempts: attemptsNow(world, instance),
    updaterId: null,
    updaterParentId: null,
    updaterGeneration,
    updaterLeaseUntil: null,
    committedUpdaterGeneration: updaterGeneration,
    committedUpdaterId: updaterId,
    committedPlanToken: planToken(instance.stateGeneration, columns),
    releasedUpdaterId: updaterId,
  };
}

/** The migration that the update unlinks is deleted with it if `delete_vmm` has deleted one of its VMMs before. */
export function deletedByUpdate(world: World, before: InstanceRow, after: InstanceRow): MigrationRow[] {
  const migration = migrationOf(world, before.id, before.migrationId);
  if (!migration || after.migrationId === migration.id || migration.timeDeleted !== null) return [];
  const sides = [migration.sourcePropolisId, migration.destinationPropolisId];
  const isDeleted = sides.some((id) => world.vmms[id] && world.vmms[id].timeDeleted !== null);
  return isDeleted ? [{ ...migration, timeDeleted: world.now }] : [];
}

/** Names a plan: what it was made for, and which ids it sets, unlinks and terminates. */
export function planToken(
  stateGeneration: number,
  columns: Omit<PlanColumns, "newState" | "newIntendedState" | "network" | "networkPropolisId">,
): string {
  const { newActivePropolisId, newDestinationPropolisId, newMigrationId } = columns;
  const { unlinkedPropolisIds, terminatePropolisIds } = columns;
  const ids = [newActivePropolisId, newDestinationPropolisId, newMigrationId];
  return JSON.stringify([stateGeneration, ids, unlinkedPropolisIds, terminatePropolisIds]);
}

export function apiState(world: World, instance: InstanceRow): ApiInstanceState | null {
  return effectiveState(inputOf(world, instance));
}

const NO_INSTANCE = {
  instanceId: null,
  apiState: null,
  state: null,
  stateGeneration: null,
  activePropolisId: null,
  destinationPropolisId: null,
  migrationId: null,
};

/** What every verb on an instance shows. */
export function showInstance(world: World, id: string | null): Answer {
  const instance = id === null ? undefined : world.instances[id];
  if (!instance) return NO_INSTANCE;
  const { state, stateGeneration, activePropolisId, destinationPropolisId, migrationId } = instance;
  const links = { activePropolisId, destinationPropolisId, migrationId };
  return { instanceId: id, apiState: apiState(world, instance), state, stateGeneration, ...links };
}

const NO_PLAN = {
  newState: null,
  newActivePropolisId: null,
  newDestinationPropolisId: null,
  newMigrationId: null,
  newIntendedState: null,
  network: null,
  networkPropolisId: null,
  unlinkedPropolisIds: null,
  terminatePropolisIds: null,
  networkVmm: null,
  unlinkedVmms: null,
  terminateVmms: null,
  planToken: null,
};

/** What the update saga's verbs show. */
export function showPlan(world: World, id: string): Answer {
  const instance = world.instances[id];
  const { updaterId = null, updaterGeneration = null, updaterLeaseUntil = null } = instance ?? {};
  const plan = instance ? planColumns(world, instance) : NO_PLAN;
  return { ...showInstance(world, id), updaterGeneration, updaterLeaseUntil, ...plan, updaterId };
}

/** The plan's own columns. */
export function planColumns(world: World, instance: InstanceRow): Answer {
  const { columns } = planFor(world, instance);
  const { networkPropolisId, unlinkedPropolisIds, terminatePropolisIds } = columns;
  const addresses = {
    networkVmm:
      networkPropolisId === null ? null : (addressesOf(world, instance.id, [networkPropolisId])[0] ?? null),
    unlinkedVmms: addressesOf(world, instance.id, unlinkedPropolisIds),
    terminateVmms: addressesOf(world, instance.id, terminatePropolisIds),
  };
  return { ...columns, ...addresses, planToken: planToken(instance.stateGeneration, columns) };
}

/** On which sled each of the VMMs is, and at which address. */
export function addressesOf(world: World, instanceId: string, ids: readonly string[]): Answer[] {
  return ids.map((propolisId) => {
    const vmm = vmmOf(world, instanceId, propolisId);
    return {
      propolisId,
      sledId: vmm?.sledId,
      propolisIp: vmm?.propolisIp,
      propolisPort: vmm?.propolisPort,
    };
  });
}

/** Returns the ids of those VMMs that live, each once. */
export function living(world: World, instanceId: string, ids: readonly (string | null)[]): string[] {
  const distinct = [...new Set(ids)].filter((id) => id !== null);
  return distinct.filter((id) => alive(vmmOf(world, instanceId, id)?.state ?? null));
}

function inputOf(world: World, instance: InstanceRow): Input {
  const active = vmmOf(world, instance.id, instance.activePropolisId);
  const destination = vmmOf(world, instance.id, instance.destinationPropolisId);
  const migration = migrationOf(world, instance.id, instance.migrationId);
  return {
    state: instance.state,
    intent: instance.intendedState,
    topology: topologyOf(instance, migration),
    a: active?.state ?? null,
    aStarted: active ? hadBeenRunning(world, active) : null,
    t: destination?.state ?? null,
    tStarted: destination ? hadBeenRunning(world, destination) : null,
    s: migration?.sourceState ?? null,
    d: migration?.destinationState ?? null,
  };
}

function topologyOf(
  { activePropolisId }: InstanceRow,
  migration: MigrationRow | undefined,
): Input["topology"] {
  if (!migration) return "none";
  if (activePropolisId === migration.sourcePropolisId) return "source";
  return activePropolisId === migration.destinationPropolisId ? "destination" : "neither";
}
