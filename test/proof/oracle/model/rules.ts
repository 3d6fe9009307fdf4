import type { Arguments, Call, Verb } from "../calls.js";
import {
  configureInstance,
  createInstance,
  deleteInstance,
  finishInstanceCreation,
  requestReboot,
  requestStop,
} from "./instance.js";
import { beginMigration, beginStart, unwindMigration, unwindStart } from "./sagas.js";
import { reportVmm, reportVmms } from "./sled-agent.js";
import type { Step } from "./step.js";
import {
  beginUpdate,
  commitUpdate,
  explainUpdate,
  inheritUpdate,
  runUpdate,
  unlockUpdate,
} from "./update-saga.js";
import { deleteVmm, failSled, failVmm } from "./vmm.js";
import { HOUR, type InstanceRow, type World, write } from "./world.js";

const RULES: { [V in Verb]: (world: World, a: Arguments[V]) => Step } = {
  create_instance: createInstance,
  finish_instance_creation: finishInstanceCreation,
  configure_instance: configureInstance,
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
  report_vmm: reportVmm,
  report_vmms: reportVmms,
  begin_update: beginUpdate,
  inherit_update: inheritUpdate,
  commit_update: commitUpdate,
  unlock_update: unlockUpdate,
  run_update: runUpdate,
  explain_update: explainUpdate,
  lease_expires: (world, { instanceId }) => anHourAgo(world, instanceId, "updaterLeaseUntil"),
  cooldown_elapses: (world, { instanceId }) => anHourAgo(world, instanceId, "timeLastAutoRestarted"),
};

/** What a call must make of the world, and answer. */
export function step<V extends Verb>(world: World, { verb, a }: Call<V>): Step {
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
