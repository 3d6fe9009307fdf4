import type { Arguments, Call, Verb } from "../calls.js";
import {
  configureInstance,
  createInstance,
  deleteInstance,
  finishInstanceCreation,
  renameInstance,
  requestReboot,
  requestStop,
} from "./instance.js";
import { misused } from "./misuse.js";
import { purge } from "./purge.js";
import { BOOT_LOOP } from "./restart.js";
import { beginMigration, beginStart, unwindMigration, unwindStart } from "./sagas.js";
import { reportVmm, reportVmms } from "./sled-agent.js";
import type { Step } from "./step.js";
import {
  beginUpdate,
  breakUpdate,
  commitUpdate,
  explainUpdate,
  inheritUpdate,
  runUpdate,
  unlockUpdate,
} from "./update-saga.js";
import { deleteVmm, failSled, failSledVmms, failVmm } from "./vmm.js";
import {
  HOUR,
  type InstanceRow,
  migrationsOf,
  type Time,
  vmmOf,
  vmmsOf,
  type World,
  write,
} from "./world.js";

const RULES: { [V in Verb]: (world: World, a: Arguments[V]) => Step } = {
  create_instance: createInstance,
  finish_instance_creation: finishInstanceCreation,
  configure_instance: configureInstance,
  rename_instance: renameInstance,
  begin_start: beginStart,
  unwind_start: unwindStart,
  begin_migration: beginMigration,
  unwind_migration: unwindMigration,
  request_stop: requestStop,
  request_reboot: requestReboot,
  delete_instance: deleteInstance,
  delete_vmm: deleteVmm,
  fail_vmm: failVmm,
  fail_sled: failSled,
  fail_sled_vmms: failSledVmms,
  report_vmm: reportVmm,
  report_vmms: reportVmms,
  begin_update: beginUpdate,
  inherit_update: inheritUpdate,
  commit_update: commitUpdate,
  unlock_update: unlockUpdate,
  break_update: breakUpdate,
  run_update: runUpdate,
  explain_update: explainUpdate,
  purge,
  lease_expires: (world, { instanceId }) => anHourAgo(world, instanceId, "updaterLeaseUntil"),
  cooldown_elapses: (world, { instanceId }) => anHourAgo(world, instanceId, "timeLastAutoRestarted"),
  guest_runs_for_long: guestRunsForLong,
  boots_in_a_loop: bootsInALoop,
  a_day_goes_by: aDayGoesBy,
};

/** What a call must make of the world, and answer. */
export function step<V extends Verb>(world: World, { verb, a }: Call<V>): Step {
  const argument = misused({ verb, a } as Call);
  if (argument !== undefined) return { world, answer: { code: "VM001", argument } };
  return RULES[verb](world, a);
}

function anHourAgo(
  world: World,
  instanceId: string,
  column: "updaterLeaseUntil" | "timeLastAutoRestarted",
): Step {
  const instance: InstanceRow | undefined = world.instances[instanceId];
  if (typeof instance?.[column] !== "number") return { world, answer: { changed: 0 } };
  const earlier = { ...instance, [column]: world.now - HOUR };
  return { world: write(world, { instance: earlier }), answer: { changed: 1 } };
}

function guestRunsForLong(
  world: World,
  { instanceId, propolisId }: { instanceId: string; propolisId: string },
): Step {
  const vmm = vmmOf(world, instanceId, propolisId);
  if (typeof vmm?.timeStarted !== "number") return { world, answer: { changed: 0 } };
  const earlier = { ...vmm, timeStarted: world.now - HOUR };
  return { world: write(world, { vmms: [earlier] }), answer: { changed: 1 } };
}

function bootsInALoop(world: World, { instanceId }: { instanceId: string }): Step {
  const instance: InstanceRow | undefined = world.instances[instanceId];
  if (!instance) return { world, answer: { changed: 0 } };
  const looping = { ...instance, autoRestartAttempts: BOOT_LOOP };
  return { world: write(world, { instance: looping }), answer: { changed: 1 } };
}

/** Since all of the instance that is deleted was deleted. */
function aDayGoesBy(world: World, { instanceId }: { instanceId: string }): Step {
  const dayAgo = <R extends { timeDeleted: Time | null }>(rows: R[]): R[] =>
    rows
      .filter(({ timeDeleted }) => timeDeleted !== null)
      .map((row) => ({ ...row, timeDeleted: world.now - 24 * HOUR }));
  const vmms = dayAgo(vmmsOf(world, instanceId));
  const migrations = dayAgo(migrationsOf(world, instanceId));
  const [instance] = dayAgo([world.instances[instanceId]].filter((row) => row !== undefined));
  const changed = vmms.length + migrations.length + (instance ? 1 : 0);
  const after = write(world, { vmms, migrations, ...(instance && { instance }) });
  return changed === 0 ? { world, answer: { changed } } : { world: after, answer: { changed } };
}
