import type { Answer, Step } from "./step.js";
import { HOUR, type Time, type World } from "./world.js";

/** Every outcome and reason that a verb of this file may answer. */
export const ANSWERS = {
  purge: ["migrations", "vmms", "instances", "nothing", "VM001 p_before", "VM001 p_limit"],
} as const;

export interface PurgeCall {
  /** How long before now `p_before` is. */
  hoursAgo: number;
  limit: number;
}

export const PURGED_AT_MOST = 100_000;

/**
 * What was deleted before goes for good: first the migrations of which no VMM is left unlinked, then the VMMs that no
 * migration names, then the instances that have neither. The model knows no limit but one that is never reached.
 */
export function purge(world: World, { hoursAgo }: PurgeCall): Step {
  const before = world.now - hoursAgo * HOUR;
  const isOld = ({ timeDeleted }: { timeDeleted: Time | null }): boolean =>
    timeDeleted !== null && Number(timeDeleted) < before;
  const isLeft = (id: string): boolean =>
    world.vmms[id]?.timeDeleted === null && world.vmms[id].timeUnlinked !== null;
  const migrations = without(
    world.migrations,
    (m) => isOld(m) && !isLeft(m.sourcePropolisId) && !isLeft(m.destinationPropolisId),
  );
  const named = Object.values(migrations).flatMap((m) => [m.sourcePropolisId, m.destinationPropolisId]);
  const vmms = without(world.vmms, (vmm) => isOld(vmm) && !named.includes(vmm.id));
  const needed = [...Object.values(migrations), ...Object.values(vmms)].map(({ instanceId }) => instanceId);
  const instances = without(world.instances, (instance) => isOld(instance) && !needed.includes(instance.id));
  const purged = {
    migrations: size(world.migrations) - size(migrations),
    vmms: size(world.vmms) - size(vmms),
    instances: size(world.instances) - size(instances),
  };
  const answer: Answer = { ...purged, leftOver: false };
  const isEmpty = Object.values(purged).every((count) => count === 0);
  return isEmpty
    ? { world, answer }
    : { world: { ...world, now: world.now + 1, migrations, vmms, instances }, answer };
}

function without<T>(
  rows: Readonly<Record<string, T>>,
  isPurged: (row: T) => boolean,
): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(rows).filter(([, row]) => !isPurged(row)));
}

const size = (rows: object): number => Object.keys(rows).length;
