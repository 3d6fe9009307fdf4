import type {
  ConfigureInstanceArguments,
  CreateInstanceArguments,
  DeleteInstanceArguments,
  RenameInstanceArguments,
  RequestRebootArguments,
  RequestStopArguments,
} from "../../../../src/client/generated.js";
import { addressesOf, apiState, carriedOut, living, planFor, showInstance } from "./plan.js";
import {
  type Answer,
  applied,
  conflict,
  type Decision,
  gone,
  onInstance,
  onLiveInstance,
  settled,
  type Show,
  type Step,
  unchanged,
} from "./step.js";
import { type InstanceRow, migrationsOf, vmmOf, type World, write } from "./world.js";
import { ON_INSTANCE, conflicts } from "./documented.js";

/** Every outcome and reason that a verb of this file may answer. */
export const ANSWERS = {
  create_instance: ["applied", "unchanged", "gone", ...conflicts("name_taken", "instance_id_taken")],
  finish_instance_creation: ON_INSTANCE,
  configure_instance: ON_INSTANCE,
  rename_instance: [...ON_INSTANCE, ...conflicts("name_taken"), "VM001 p_name"],
  request_stop: [...ON_INSTANCE, ...conflicts("creating")],
  request_reboot: [...ON_INSTANCE, ...conflicts("not_running")],
  delete_instance: ["applied", "unchanged", "not_found", ...conflicts("not_stopped")],
} as const;

type Creation = CreateInstanceArguments & { instanceId: string };

export function createInstance(world: World, a: Creation): Step {
  const decision = creation(world, a);
  const shown = decision.outcome === "conflict" ? null : a.instanceId;
  return settled(world, decision, (after) => showInstance(after, shown));
}

function creation(world: World, a: Creation): Decision {
  const existing = world.instances[a.instanceId];
  if (existing && existing.projectId !== a.projectId) return conflict("instance_id_taken");
  if (existing) return existing.timeDeleted === null ? unchanged : gone;
  if (isTaken(world, a.projectId, a.name)) return conflict("name_taken");
  return applied(write(world, { instance: created(a, world.now) }));
}

/** Two instances that are not deleted have different names in a project. */
function isTaken(world: World, project: string, wanted: string): boolean {
  return Object.values(world.instances).some(
    ({ projectId, name, timeDeleted }) => projectId === project && name === wanted && timeDeleted === null,
  );
}

export function renameInstance(world: World, { instanceId, name }: RenameInstanceArguments): Step {
  return onLiveInstance(world, instanceId, showInstance, (instance) => {
    if (instance.name === name) return unchanged;
    if (isTaken(world, instance.projectId, name)) return conflict("name_taken");
    return applied(write(world, { instance: { ...instance, name, timeModified: world.now } }));
  });
}

function created(a: Creation, now: number): InstanceRow {
  return {
    id: a.instanceId,
    projectId: a.projectId,
    name: a.name,
    state: "creating",
    stateGeneration: 1,
    timeStateUpdated: now,
    activePropolisId: null,
    destinationPropolisId: null,
    migrationId: null,
    intendedState: a.intendedState,
    ...configuration(a),
    timeLastAutoRestarted: null,
    autoRestartAttempts: 0,
    updaterId: null,
    updaterGeneration: 1,
    updaterLeaseUntil: null,
    updaterParentId: null,
    committedUpdaterGeneration: null,
    committedUpdaterId: null,
    committedPlanToken: null,
    releasedUpdaterId: null,
    timeUpdaterReleased: null,
    timeCreated: now,
    timeModified: now,
    timeDeleted: null,
  };
}

type Configuration = Pick<InstanceRow, "autoRestartPolicy" | "autoRestartCooldown">;

function configuration(a: Omit<ConfigureInstanceArguments, "instanceId">): Configuration {
  const { autoRestartPolicy = null, autoRestartCooldown = null } = a;
  return {
    autoRestartPolicy,
    autoRestartCooldown: autoRestartCooldown === null ? null : String(autoRestartCooldown),
  };
}

export function finishInstanceCreation(world: World, { instanceId }: { instanceId: string }): Step {
  return onLiveInstance(world, instanceId, showInstance, (instance) =>
    instance.state === "creating"
      ? applied(write(world, { instance: withoutVmm(instance, world.now) }))
      : unchanged,
  );
}

function withoutVmm(instance: InstanceRow, now: number): InstanceRow {
  const stateGeneration = instance.stateGeneration + 1;
  return { ...instance, state: "no_vmm", stateGeneration, timeStateUpdated: now };
}

export function configureInstance(world: World, a: ConfigureInstanceArguments): Step {
  return onLiveInstance(world, a.instanceId, showInstance, (instance) => {
    const { autoRestartPolicy, autoRestartCooldown } = configuration(a);
    const isSame =
      instance.autoRestartPolicy === autoRestartPolicy &&
      instance.autoRestartCooldown === autoRestartCooldown;
    if (isSame) return unchanged;
    const configured = { ...instance, autoRestartPolicy, autoRestartCooldown, timeModified: world.now };
    return applied(write(world, { instance: configured }));
  });
}

const showNoCommand: Show = (world, id) => ({
  ...showInstance(world, id),
  commandPropolisIds: [],
  commandVmms: [],
});

export function requestStop(world: World, { instanceId }: RequestStopArguments): Step {
  return onLiveInstance(world, instanceId, showNoCommand, (instance) => {
    if (instance.state === "creating") return conflict("creating");
    const columns = commandColumns(world, instance, "request_stop");
    const intending = intent(instance, "stopped", world.now);
    const stopped = instance.state === "failed" ? withoutVmm(intending, world.now) : intending;
    return { ...ifChanged(world, instance, stopped), columns };
  });
}

export function requestReboot(world: World, { instanceId }: RequestRebootArguments): Step {
  return onLiveInstance(world, instanceId, showNoCommand, (instance) => {
    const shown = apiState(world, instance) ?? "";
    if (!["starting", "running", "rebooting", "migrating"].includes(shown)) return conflict("not_running");
    const columns = commandColumns(world, instance, "request_reboot");
    const intending = intent(instance, "running", world.now);
    return { ...ifChanged(world, instance, intending), columns };
  });
}

/** The VMMs whose sled agents must be told, and where they are. */
export function commandColumns(
  world: World,
  instance: InstanceRow,
  verb: "request_stop" | "request_reboot",
): Answer {
  const commandPropolisIds = commanded(world, instance, verb);
  return { commandPropolisIds, commandVmms: addressesOf(world, instance.id, commandPropolisIds) };
}

function commanded(
  world: World,
  { id, activePropolisId, destinationPropolisId }: InstanceRow,
  verb: "request_stop" | "request_reboot",
): string[] {
  const named = verb === "request_stop" ? [activePropolisId, destinationPropolisId] : [activePropolisId];
  return living(world, id, named);
}

function intent(
  instance: InstanceRow,
  intendedState: InstanceRow["intendedState"],
  now: number,
): InstanceRow {
  return instance.intendedState === intendedState
    ? instance
    : { ...instance, intendedState, timeModified: now };
}

function ifChanged(world: World, before: InstanceRow, instance: InstanceRow): Decision {
  return instance === before ? unchanged : applied(write(world, { instance }));
}

export function deleteInstance(world: World, { instanceId }: DeleteInstanceArguments): Step {
  return onInstance(world, instanceId, showInstance, (instance) => {
    if (instance.timeDeleted !== null) return unchanged;
    const active = vmmOf(world, instanceId, instance.activePropolisId);
    if (active && active.state !== "saga_unwound") return conflict("not_stopped");
    const plan = planFor(world, instance);
    const nobody = { updaterId: null, updaterGeneration: instance.updaterGeneration + 1 };
    const unlinked = plan.needed ? carriedOut(world, instance, plan, nobody) : instance;
    const migrations = migrationsOf(world, instanceId).map((migration) => ({
      ...migration,
      timeDeleted: migration.timeDeleted ?? world.now,
    }));
    return applied(write(world, { instance: destroyed(unlinked, world.now), migrations }));
  });
}

function destroyed(instance: InstanceRow, now: number): InstanceRow {
  return {
    ...instance,
    state: "destroyed",
    stateGeneration: instance.stateGeneration + 1,
    timeStateUpdated: now,
    intendedState: "destroyed",
    updaterId: null,
    updaterParentId: null,
    updaterLeaseUntil: null,
    timeModified: now,
    timeDeleted: now,
  };
}
