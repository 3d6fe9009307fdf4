import { dead } from "../../../sql/model.js";
import type { Answer } from "./step.js";
import { apiState, planFor } from "./plan.js";
import { isUnderUpdate, mayAutoRestart } from "./restart.js";
import { type InstanceRow, type VmmRow, vmmOf, type World } from "./world.js";

/** All that can be seen of some instances: rows by id, by table or view. */
export type Picture = Readonly<Record<string, Readonly<Record<string, Answer>>>>;

/** What the tables must hold. */
export function rowsOf({ instances, vmms, migrations }: World): Picture {
  return {
    instance: byId(Object.values(instances), (row) => ({ ...row })),
    vmm: byId(Object.values(vmms), (row) => ({ ...row })),
    migration: byId(Object.values(migrations), (row) => ({ ...row })),
  };
}

/** What the views must show. */
export function viewsOf(world: World): Picture {
  const instances = Object.values(world.instances);
  const live = Object.values(world.vmms).filter(({ timeDeleted }) => timeDeleted === null);
  const unlinked = live.filter(({ timeUnlinked }) => timeUnlinked !== null);
  return {
    api_instance: byId(
      instances.filter(({ timeDeleted }) => timeDeleted === null),
      (instance) => apiInstance(world, instance),
    ),
    api_vmm: byId(live, apiVmm),
    pending_update: byId(
      instances.filter((i) => planFor(world, i).needed && !isUnderUpdate(world, i)),
      (instance) => pendingUpdate(world, instance),
    ),
    abandoned_vmm: byId(
      unlinked.filter(({ state }) => dead(state)),
      abandonedVmm,
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
      watchedVmm,
    ),
    invariant_violation: {},
  };
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
  const { timeStateUpdated } = active ?? instance;
  return {
    ...{ id, state: apiState(world, instance), projectId, name, intendedState },
    ...{ autoRestartPolicy, autoRestartCooldown, timeStateUpdated, timeCreated, timeModified },
  };
}

function apiVmm(vmm: VmmRow): Answer {
  const { id, instanceId, sledId, propolisIp, propolisPort, failureReason, timeStateUpdated, timeCreated } =
    vmm;
  const state = vmm.state === "saga_unwound" ? "destroyed" : vmm.state;
  return {
    ...{ id, state, instanceId, sledId, propolisIp, propolisPort },
    ...{ failureReason, timeStateUpdated, timeCreated },
  };
}

function pendingUpdate(world: World, instance: InstanceRow): Answer {
  const { id: instanceId, stateGeneration, updaterGeneration } = instance;
  return { instanceId, verdict: planFor(world, instance).verdict, stateGeneration, updaterGeneration };
}

function abandonedVmm({ instanceId, id: propolisId, sledId, state, timeUnlinked }: VmmRow): Answer {
  return { instanceId, propolisId, sledId, state, timeUnlinked };
}

function orphanedVmm(world: World, vmm: VmmRow): Answer {
  const { instanceId, id: propolisId, sledId, propolisIp, propolisPort, state, timeUnlinked } = vmm;
  return {
    ...{ instanceId, propolisId, sledId, propolisIp, propolisPort, state, timeUnlinked },
    expectedToEnd: isExpectedToEnd(world, vmm),
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
  return { instanceId, apiState: apiState(world, instance), stateGeneration, timeLastAutoRestarted };
}

function watchedVmm(vmm: VmmRow): Answer {
  const { instanceId, id: propolisId, sledId, propolisIp, propolisPort, state, stateGeneration } = vmm;
  const { timeStateUpdated, timeUnlinked } = vmm;
  return {
    ...{ instanceId, propolisId, sledId, propolisIp, propolisPort },
    ...{ state, stateGeneration, timeStateUpdated, linked: timeUnlinked === null },
  };
}
