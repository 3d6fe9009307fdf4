import { INSTANCE, type Part } from "./actors.js";
import { type InstanceRow, isExpired, type Snapshot, type VmmRow, vmmOf } from "./snapshot.js";
import type { Step } from "./steps.js";

const HOUR_MS = 3_600_000;
const HOUR_AGO = "clock_timestamp() - interval '1 hour'";
/** Longer ago than the longest wait, by the clock of a statement too, which began before. */
const OVER_AN_HOUR_AGO = "clock_timestamp() - interval '65 minutes'";
const DAY_AGO = "clock_timestamp() - interval '1 day'";

/** So short that it is over before the next step, however often a few attempts double it. */
export const COOLDOWN = "0.000001 seconds";
/** So many attempts that the wait is the longest that there is, whatever the cooldown. */
const BOOT_LOOP = 1000;

/**
 * Lists steps that let time pass, and the verbs that read or set what depends on time.
 *
 * No verb lets time pass, so these steps write with the guards switched off.
 */
export function ageing(vmms: readonly Part[]): Step[] {
  const update = (kind: string, sql: string, enabled: Step["enabled"]): Step => ({
    kind,
    sql,
    enabled,
    unguarded: true,
  });
  return [
    update(
      "boots_in_a_loop",
      `UPDATE vmstate.instance SET auto_restart_attempts = ${BOOT_LOOP} WHERE id = '${INSTANCE}'`,
      ({ instance }) =>
        instance.time_last_auto_restarted !== null && instance.auto_restart_attempts < BOOT_LOOP,
    ),
    update(
      "cooldown_elapses",
      `UPDATE vmstate.instance SET time_last_auto_restarted = ${OVER_AN_HOUR_AGO} WHERE id = '${INSTANCE}'`,
      ({ instance }) => instance.time_last_auto_restarted !== null,
    ),
    ...vmms.map(({ propolis }) =>
      update(
        "guest_runs_for_long",
        `UPDATE vmstate.vmm SET time_started = ${HOUR_AGO} WHERE id = '${propolis}'`,
        (state) => {
          const vmm = vmmOf(state, propolis);
          return (vmm?.time_started ?? null) !== null && !isOld(vmm?.time_started ?? null);
        },
      ),
    ),
    update(
      "a_day_goes_by",
      `WITH v AS (UPDATE vmstate.vmm SET time_deleted = ${DAY_AGO} WHERE time_deleted IS NOT NULL), ` +
        `m AS (UPDATE vmstate.migration SET time_deleted = ${DAY_AGO} WHERE time_deleted IS NOT NULL) ` +
        `UPDATE vmstate.instance SET time_deleted = ${DAY_AGO} WHERE time_deleted IS NOT NULL`,
      (state) => rowsOf(state).some(({ time_deleted: time }) => time !== null && !isOld(time)),
    ),
    ...["NULL", "'never'"].map((policy): Step => ({
      kind: "configure_instance",
      sql: `vmstate.configure_instance('${INSTANCE}', ${policy}, '${COOLDOWN}')`,
      enabled: () => true,
    })),
    ...[1, 100_000].map((limit): Step => ({
      kind: "purge",
      sql: `vmstate.purge(clock_timestamp() - interval '2 hours', ${limit})`,
      limit,
      enabled: (state) => rowsOf(state).some(({ time_deleted: time }) => time !== null),
    })),
  ];
}

function rowsOf({ instance, vmms, migrations }: Snapshot): { time_deleted: string | null }[] {
  return [instance, ...vmms, ...migrations];
}

/** Whether a time is so long ago that a step of its own made it so. */
export const isOld = (time: string | null): boolean =>
  time !== null && Date.parse(time) <= Date.now() - HOUR_MS;

/** For 10 minutes, from the first report that it runs until the last report. */
export function ranForLong({ time_started: from, time_reported: until }: VmmRow): boolean {
  return from !== null && until !== null && Date.parse(until) - Date.parse(from) >= HOUR_MS / 6;
}

/** The automatic restarts that count: none once a linked VMM has run for long. */
export function attempts(state: Snapshot): number {
  const { active_propolis_id: active, destination_propolis_id: destination } = state.instance;
  const linked = [active, destination].map((id) => vmmOf(state, id)).filter((vmm) => vmm !== undefined);
  return linked.some(ranForLong) ? 0 : state.instance.auto_restart_attempts;
}

export const isBootLoop = ({ auto_restart_attempts: count }: InstanceRow): boolean => count >= BOOT_LOOP;

/** Whether the control plane may start the instance again by itself. */
export function mayAutoRestart(state: Snapshot): boolean {
  const { instance } = state;
  const active = vmmOf(state, instance.active_propolis_id);
  const isDown =
    instance.state === "no_vmm" || instance.state === "failed" || active?.state === "saga_unwound";
  const waits = attempts(state) >= BOOT_LOOP && !isOld(instance.time_last_auto_restarted);
  const isFree = instance.updater_id === null || isExpired(instance);
  const isPermitted = instance.auto_restart_policy !== "never";
  return isDown && instance.intended_state === "running" && isPermitted && !waits && isFree;
}
