import type { Outcome } from "../../../../src/client/generated.js";
import type { InstanceRow, VmmRow, World } from "./world.js";
import { vmmOf } from "./world.js";

/** The columns of an answer, in camel case. An answer of several rows has the one column `rows`. */
export type Answer = Readonly<Record<string, unknown>>;

/** What one call makes of the world; the same world if it writes nothing. */
export interface Step {
  world: World;
  answer: Answer;
}

/** What a verb makes of a row that exists. */
export interface Decision {
  outcome: Outcome;
  reason?: string;
  /** Not given: nothing is written. */
  world?: World;
  /** Columns beside, or instead of, those that show the row as it is afterwards. */
  columns?: Answer;
}

export const unchanged: Decision = { outcome: "unchanged" };
export const gone: Decision = { outcome: "gone" };
export const notFound: Decision = { outcome: "not_found" };
export const applied = (world: World, columns: Answer = {}): Decision => ({
  outcome: "applied",
  world,
  columns,
});
export const conflict = (reason: string): Decision => ({ outcome: "conflict", reason });

/** Shows an instance or a VMM as it is; all null if it is not. */
export type Show = (world: World, id: string) => Answer;

/** A verb on an instance. */
export function onInstance(
  world: World,
  id: string,
  show: Show,
  decide: (instance: InstanceRow) => Decision,
): Step {
  const instance = world.instances[id];
  return settled(world, instance ? decide(instance) : notFound, (after) => show(after, id));
}

/** A verb on an instance that is not deleted. */
export function onLiveInstance(
  world: World,
  id: string,
  show: Show,
  decide: (instance: InstanceRow) => Decision,
): Step {
  return onInstance(world, id, show, (instance) => (instance.timeDeleted === null ? decide(instance) : gone));
}

/** A verb on a VMM. */
export function onVmm(
  world: World,
  instanceId: string,
  id: string | null,
  decide: (vmm: VmmRow) => Decision,
): Step {
  const vmm = vmmOf(world, instanceId, id);
  return settled(world, vmm ? decide(vmm) : notFound, (after) => {
    const { state = null, stateGeneration = null } = vmmOf(after, instanceId, id) ?? {};
    return { state, stateGeneration };
  });
}

export function settled(
  world: World,
  { outcome, reason, world: after = world, columns }: Decision,
  show: (after: World) => Answer,
): Step {
  return { world: after, answer: { outcome, reason: reason ?? null, ...show(after), ...columns } };
}
