import type {
  DeleteVmmArguments,
  FailSledArguments,
  FailSledVmmsArguments,
  FailureReason,
  FailVmmArguments,
} from "../../../../src/client/generated.js";
import { alive } from "../../../sql/model.js";
import { applied, conflict, gone, onVmm, type Step, unchanged } from "./step.js";
import { migrationsOf, vmmOf, type VmmRow, type World, write } from "./world.js";
import { conflicts } from "./documented.js";

/** Every outcome and reason that a verb of this file may answer. */
export const ANSWERS = {
  delete_vmm: ["applied", "unchanged", "not_found", ...conflicts("linked", "not_destroyable")],
  fail_vmm: ["applied", "terminal", "gone", "not_found", ...conflicts("stale_generation")],
  fail_sled: ["applied", "nothing"],
  fail_sled_vmms: ["applied", "nothing"],
} as const;

export function deleteVmm(world: World, { instanceId, propolisId }: DeleteVmmArguments): Step {
  return onVmm(world, instanceId, propolisId, (vmm) => {
    if (vmm.timeDeleted !== null) return unchanged;
    if (vmm.timeUnlinked === null) return conflict("linked");
    if (alive(vmm.state)) return conflict("not_destroyable");
    const linkedId = world.instances[instanceId]?.migrationId;
    const migrations = migrationsOf(world, instanceId)
      .filter((m) => [m.sourcePropolisId, m.destinationPropolisId].includes(propolisId))
      .filter(({ id, timeDeleted }) => id !== linkedId && timeDeleted === null)
      .map((migration) => ({ ...migration, timeDeleted: world.now }));
    return applied(write(world, { vmms: [{ ...vmm, timeDeleted: world.now }], migrations }));
  });
}

export function failVmm(world: World, a: FailVmmArguments): Step {
  const before = vmmOf(world, a.instanceId, a.propolisId);
  const { world: after, answer } = onVmm(world, a.instanceId, a.propolisId, (vmm) => {
    if (vmm.timeDeleted !== null) return gone;
    if (!alive(vmm.state)) return { outcome: "terminal" };
    if ((a.expectedGeneration ?? vmm.stateGeneration) !== vmm.stateGeneration)
      return conflict("stale_generation");
    return applied(write(world, { vmms: [failed(vmm, a.reason, world.now)] }));
  });
  const updateNeeded = after !== world && before?.timeUnlinked === null;
  return { world: after, answer: { ...answer, updateNeeded } };
}

export function failSled(world: World, { sledId, reason }: FailSledArguments): Step {
  return failedOn(world, sledId, reason, () => true);
}

/** Fails the listed VMMs that are on the sled. */
export function failSledVmms(world: World, { sledId, propolisIds, reason }: FailSledVmmsArguments): Step {
  return failedOn(world, sledId, reason, ({ id }) => propolisIds.includes(id));
}

/** Fails living VMMs of a sled, also those that no instance names and those that are still creating. */
function failedOn(
  world: World,
  sledId: string,
  reason: FailureReason,
  isLost: (vmm: VmmRow) => boolean,
): Step {
  const vmms = Object.values(world.vmms)
    .filter((vmm) => vmm.sledId === sledId && alive(vmm.state) && isLost(vmm))
    .sort((one, other) => (one.id < other.id ? -1 : 1))
    .map((vmm) => failed(vmm, reason, world.now));
  const rows = vmms.map(({ instanceId, id, state, stateGeneration, timeUnlinked }) => ({
    outcome: "applied",
    reason: null,
    instanceId,
    propolisId: id,
    state,
    stateGeneration,
    updateNeeded: timeUnlinked === null,
  }));
  return { world: vmms.length > 0 ? write(world, { vmms }) : world, answer: { rows } };
}

function failed(vmm: VmmRow, failureReason: FailureReason, now: number): VmmRow {
  const stateGeneration = vmm.stateGeneration + 1;
  const times = { timeStateUpdated: now, timeReported: now };
  return { ...vmm, state: "failed", stateGeneration, ...times, failureReason };
}
