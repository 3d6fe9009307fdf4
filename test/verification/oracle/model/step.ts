import type { Outcome } from "../../../../src/client/generated.js";
import type { InstanceRow, VmmRow, World } from "./world.js";
import { vmmOf } from "./world.js";

/** The columns of an answer, in camel case. An answer of several rows has the one column `rows`. */
export type Answer = Readonly<Record<string, unknown>>;

/** The rows after a call, which are the same object if the call writes nothing, and its answer. */
export interface Step {
  world: World;
  answer: Answer;
}

/** What a verb decides on a row that exists. */
export interface Decision {
  outcome: Outcome;
  reason?: string;
  /** The rows afterwards; undefined: nothing is written. */
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

/** Makes the columns of an answer that show an instance or a VMM; all are null if it does not exist. */
export type Show = (world: World, id: string) => Answer;

/** Plays a verb on an instance: not_found if it does not exist, else as `decide` says. */
export function onInstance(
  world: World,
  id: string,
  show: Show,
  decide: (instance: InstanceRow) => Decision,
): Step {
  const instance = world.instances[id];
  return settled(world, instance ? decide(instance) : notFound, (after) => show(after, id));
}

/** Plays a verb on an instance: not_found if it does not exist, gone if it is deleted, else as `decide` says. */
export function onLiveInstance(
  world: World,
  id: string,
  show: Show,
  decide: (instance: InstanceRow) => Decision,
): Step {
  return onInstance(world, id, show, (instance) => (instance.timeDeleted === null ? decide(instance) : gone));
}

/** Plays a verb on a VMM of an instance: not_found if there is none, else as `decide` says. */
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
