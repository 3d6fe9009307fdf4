import { HOUR, type InstanceRow, vmmOf, type World } from "./world.js";

/** The cooldowns that are drawn, as the server writes them. */
export const COOLDOWNS: Record<string, number> = { "00:00:00": 0, "100 years": Infinity };

const STANDARD_COOLDOWN = HOUR / 12;

/** Whether the control plane may start the instance again by itself. */
export function mayAutoRestart(world: World, instance: InstanceRow): boolean {
  const { state, intendedState, autoRestartPolicy, autoRestartCooldown, timeLastAutoRestarted } = instance;
  const active = vmmOf(world, instance.id, instance.activePropolisId);
  const isDown = state === "no_vmm" || state === "failed" || active?.state === "saga_unwound";
  const cooldown = COOLDOWNS[autoRestartCooldown ?? ""] ?? STANDARD_COOLDOWN;
  const isCool = timeLastAutoRestarted === null || world.now - timeLastAutoRestarted >= cooldown;
  return (
    isDown &&
    intendedState === "running" &&
    autoRestartPolicy !== "never" &&
    isCool &&
    !isUnderUpdate(world, instance)
  );
}

/** Whether an updater's lease has not expired. */
export function isUnderUpdate(world: World, { updaterLeaseUntil }: InstanceRow): boolean {
  return updaterLeaseUntil !== null && updaterLeaseUntil > world.now;
}
