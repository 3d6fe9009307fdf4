import { HOUR, type InstanceRow, vmmOf, type VmmRow, type World } from "./world.js";

/**
 * The cooldowns that generated calls have, as the server writes them.
 *
 * The shortest is over before the next call, however often it was doubled. There is no cooldown of 0: doubled, it counts as
 * a second, and the next call may come before or after that.
 */
export const COOLDOWNS: Record<string, number> = { "00:00:00.000001": 0, "100 years": Infinity };

/** So many attempts that the wait is the longest that there is, whatever the cooldown. */
export const BOOT_LOOP = 1000;

/** 5 minutes. */
const DEFAULT_COOLDOWN = HOUR / 12;
/** 10 minutes. */
const LONG_ENOUGH_RUN = HOUR / 6;

/** Whether the control plane may start the instance again by itself. */
export function mayAutoRestart(world: World, instance: InstanceRow): boolean {
  const { state, intendedState, autoRestartPolicy } = instance;
  const active = vmmOf(world, instance.id, instance.activePropolisId);
  const isDown = state === "no_vmm" || state === "failed" || active?.state === "saga_unwound";
  const isCool = world.now >= (nextAutoRestart(world, instance) ?? 0);
  return (
    isDown &&
    intendedState === "running" &&
    autoRestartPolicy !== "never" &&
    isCool &&
    !isUnderUpdate(world, instance)
  );
}

/** When the wait after the last automatic restart ends. */
export function nextAutoRestart(world: World, instance: InstanceRow): number | null {
  const { timeLastAutoRestarted } = instance;
  return timeLastAutoRestarted === null ? null : timeLastAutoRestarted + wait(world, instance);
}

/** How long after an automatic restart the next one may come. */
function wait(world: World, instance: InstanceRow): number {
  const cooldown = COOLDOWNS[instance.autoRestartCooldown ?? ""] ?? DEFAULT_COOLDOWN;
  const attempts = attemptsNow(world, instance);
  if (attempts === 0) return cooldown;
  return Math.max(cooldown, attempts >= BOOT_LOOP ? HOUR : Math.min(HOUR, cooldown * 2 ** (attempts - 1)));
}

/** The automatic restarts that count: none once a VMM that the instance names has run for long. */
export function attemptsNow(world: World, instance: InstanceRow): number {
  const ids = [instance.activePropolisId, instance.destinationPropolisId];
  const linked = ids.map((id) => vmmOf(world, instance.id, id)).filter((vmm) => vmm !== undefined);
  return linked.some(ranForLong) ? 0 : instance.autoRestartAttempts;
}

/** Whether the guest ran long: from the first report that it runs to the last report of the VMM. */
function ranForLong({ timeStarted, timeReported }: VmmRow): boolean {
  return timeStarted !== null && timeReported !== null && timeReported - timeStarted >= LONG_ENOUGH_RUN;
}

/** Whether an updater's lease has not expired. */
export function isUnderUpdate(world: World, { updaterLeaseUntil }: InstanceRow): boolean {
  return updaterLeaseUntil !== null && updaterLeaseUntil > world.now;
}
