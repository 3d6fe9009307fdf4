import type {
  BeginUpdateArguments,
  BreakUpdateArguments,
  CommitUpdateArguments,
  ExplainUpdateArguments,
  InheritUpdateArguments,
  Interval,
  RunUpdateArguments,
  UnlockUpdateArguments,
} from "../../../../src/client/generated.js";
import {
  carriedOut,
  deletedByUpdate,
  planColumns,
  planFor,
  planToken,
  showInstance,
  showPlan,
} from "./plan.js";
import { isUnderUpdate } from "./restart.js";
import { applied, conflict, type Decision, onLiveInstance, type Step, unchanged } from "./step.js";
import { HOUR, type InstanceRow, type World, write } from "./world.js";
import { ON_INSTANCE, conflicts } from "./documented.js";

/** Every outcome and reason that a verb of this file may answer. */
export const ANSWERS = {
  begin_update: [...ON_INSTANCE, ...conflicts("locked"), "VM001 p_lease"],
  inherit_update: [...ON_INSTANCE, ...conflicts("lock_lost"), "VM001 p_lease"],
  commit_update: [...ON_INSTANCE, ...conflicts("lock_lost", "stale_generation", "plan_changed")],
  unlock_update: [...ON_INSTANCE, ...conflicts("lock_lost")],
  break_update: [...ON_INSTANCE, ...conflicts("lock_lost"), "VM001 p_reason"],
  run_update: [...ON_INSTANCE, ...conflicts("locked")],
  explain_update: ON_INSTANCE,
} as const;

/** The leases that generated calls ask for. */
export const LEASES: Record<string, number> = { "1 hour": HOUR, "24 hours": 24 * HOUR };

/** Longer than any lease may be. */
export const TOO_LONG_LEASE = "24:00:00.000001";

export function beginUpdate(world: World, { instanceId, sagaId, lease }: BeginUpdateArguments): Step {
  return onLiveInstance(world, instanceId, showPlan, (instance) => {
    const isHolder = instance.updaterId === sagaId;
    if (!isHolder && isUnderUpdate(world, instance)) return conflict("locked");
    if (!planFor(world, instance).needed) return nothingToDo(world, instance, isHolder);
    return applied(
      write(world, {
        instance: isHolder ? prolonged(world, instance, lease) : locked(world, instance, sagaId, lease),
      }),
    );
  });
}

/** Keeps no lock. */
function nothingToDo(world: World, instance: InstanceRow, isHolder: boolean): Decision {
  return isHolder
    ? { ...unchanged, world: write(world, { instance: unlocked(instance, world.now) }) }
    : unchanged;
}

function locked(world: World, instance: InstanceRow, sagaId: string, lease: Interval): InstanceRow {
  const updaterGeneration = instance.updaterGeneration + 1;
  const updaterLeaseUntil = leaseUntil(world, lease);
  return { ...instance, updaterId: sagaId, updaterParentId: null, updaterGeneration, updaterLeaseUntil };
}

function prolonged(world: World, instance: InstanceRow, lease: Interval): InstanceRow {
  const updaterLeaseUntil = Math.max(instance.updaterLeaseUntil ?? 0, leaseUntil(world, lease));
  return { ...instance, updaterLeaseUntil };
}

function leaseUntil(world: World, lease: Interval): number {
  const ticks = LEASES[lease];
  if (ticks === undefined) throw new RangeError(`the model knows no lease of ${lease}`);
  return world.now + ticks;
}

function unlocked(instance: InstanceRow, now: number): InstanceRow {
  const { updaterId: releasedUpdaterId } = instance;
  return {
    ...instance,
    ...{ updaterId: null, updaterParentId: null, updaterLeaseUntil: null, releasedUpdaterId },
    timeUpdaterReleased: now,
  };
}

function holds(instance: InstanceRow, sagaId: string, updaterGeneration: number): boolean {
  return instance.updaterId === sagaId && instance.updaterGeneration === updaterGeneration;
}

export function inheritUpdate(world: World, a: InheritUpdateArguments): Step {
  return onLiveInstance(world, a.instanceId, showPlan, (instance) => {
    const isChild = holds(instance, a.sagaId, a.updaterGeneration + 1);
    if (isChild && instance.updaterParentId === a.parentSagaId) return unchanged;
    if (!holds(instance, a.parentSagaId, a.updaterGeneration)) return conflict("lock_lost");
    const { updaterLeaseUntil } = prolonged(world, instance, a.lease);
    const child = locked(world, instance, a.sagaId, a.lease);
    const inherited = { ...child, updaterParentId: a.parentSagaId, updaterLeaseUntil };
    return applied(write(world, { instance: inherited }));
  });
}

export function commitUpdate(world: World, a: CommitUpdateArguments): Step {
  return onLiveInstance(world, a.instanceId, showInstance, (instance) => {
    if (isCommitted(instance, a)) return unchanged;
    if (!holds(instance, a.sagaId, a.updaterGeneration)) return conflict("lock_lost");
    const plan = planFor(world, instance);
    if (planToken(instance.stateGeneration, plan.columns) !== a.planToken)
      return conflict(tokenRefusal(a.planToken, instance));
    return applied(updated(world, instance, carriedOut(world, instance, plan, instance)));
  });
}

function updated(world: World, before: InstanceRow, after: InstanceRow): World {
  return write(world, { instance: after, migrations: deletedByUpdate(world, before, after) });
}

/** Tells whether this saga made the last commit, with this fencing token and this plan. */
function isCommitted(
  { committedUpdaterId, committedUpdaterGeneration, committedPlanToken }: InstanceRow,
  { sagaId, updaterGeneration, planToken }: CommitUpdateArguments,
): boolean {
  return (
    committedUpdaterId === sagaId &&
    committedUpdaterGeneration === updaterGeneration &&
    committedPlanToken === planToken
  );
}

/** Says why a plan token is not that of the present plan; a text that is no plan token counts as another plan's. */
function tokenRefusal(planToken: string, { stateGeneration }: InstanceRow): string {
  const isOfAnotherGeneration = planToken.startsWith("[") && !planToken.startsWith(`[${stateGeneration},`);
  return isOfAnotherGeneration ? "stale_generation" : "plan_changed";
}

export function unlockUpdate(world: World, a: UnlockUpdateArguments): Step {
  return onLiveInstance(world, a.instanceId, showInstance, (instance) => {
    const isReleased = instance.updaterId === null && instance.updaterGeneration === a.updaterGeneration;
    if (isReleased && instance.releasedUpdaterId === a.sagaId) return unchanged;
    if (!holds(instance, a.sagaId, a.updaterGeneration)) return conflict("lock_lost");
    return applied(write(world, { instance: unlocked(instance, world.now) }));
  });
}

/** Ends the lock that the token names, of any saga. */
export function breakUpdate(world: World, { instanceId, updaterGeneration }: BreakUpdateArguments): Step {
  return onLiveInstance(world, instanceId, showInstance, (instance) => {
    if (instance.updaterId === null)
      return updaterGeneration <= instance.updaterGeneration ? unchanged : conflict("lock_lost");
    if (instance.updaterGeneration !== updaterGeneration) return conflict("lock_lost");
    return applied(write(world, { instance: unlocked(instance, world.now) }));
  });
}

export function runUpdate(world: World, { instanceId, sagaId }: RunUpdateArguments): Step {
  return onLiveInstance(world, instanceId, showPlan, (instance) => {
    const isHolder = instance.updaterId === sagaId;
    if (!isHolder && isUnderUpdate(world, instance)) return conflict("locked");
    const plan = planFor(world, instance);
    if (!plan.needed) return nothingToDo(world, instance, isHolder);
    const updater = { updaterId: sagaId, updaterGeneration: instance.updaterGeneration + 1 };
    const after = carriedOut(world, instance, plan, updater);
    return applied(updated(world, instance, after), planColumns(world, instance));
  });
}

export function explainUpdate(world: World, { instanceId }: ExplainUpdateArguments): Step {
  return onLiveInstance(world, instanceId, showPlan, (instance) =>
    planFor(world, instance).needed ? { outcome: "applied" } : unchanged,
  );
}
