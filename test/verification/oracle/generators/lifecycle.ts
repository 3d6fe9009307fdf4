import fc from "fast-check";
import type { MigrationState, ReportedVmmState, ReportVmmArguments } from "../../../../src/index.js";
import { alive, dead } from "../../../sql/model.js";
import type { Call } from "../calls.js";
import { planFor } from "../model/plan.js";
import { LEASES } from "../model/update-saga.js";
import {
  type InstanceRow,
  migrationOf,
  type MigrationRow,
  migrationsOf,
  vmmOf,
  type VmmRow,
  vmmsOf,
} from "../model/world.js";
import { type CallContext, type Generated, nextTime } from "./call-context.js";
import * as pick from "./picks.js";
import { latestPlan, seenPlan } from "./plans.js";

/**
 * Whose report it is: `received` and `receiving` are of the destination of a migration, `sent` and `sending` of its source.
 *
 * The first of each pair also reports the side of the migration.
 */
type Report = "received" | "sent" | "receiving" | "sending";

const options = fc.record({
  n: fc.nat(1),
  project: fc.constantFrom(0, 0, 0, 1, 1, 1, "own" as const, "own" as const, "own" as const),
  choice: fc.nat(999),
  saga: pick.saga,
  sled: pick.sled,
  lease: fc.constantFrom(...Object.keys(LEASES)),
  newVmm: pick.newVmm,
  newMigration: pick.newMigration,
  intendedState: fc.constantFrom("running" as const, "stopped" as const),
  side: fc.constantFrom<MigrationState>("in_progress", "completed", "completed", "failed"),
  newer: pick.newer,
  batch: fc.oneof(
    fc.shuffledSubarray<Report>(["received", "sent", "receiving", "sending"], { minLength: 2 }),
    fc.shuffledSubarray<Report>(["receiving", "sending"], { minLength: 2 }),
  ),
  received: fc.constantFrom<ReportedVmmState>("running", "running", "running", "destroyed", "failed"),
  sent: fc.constantFrom<ReportedVmmState>("migrating", "migrating", "destroyed", "failed"),
});

/** The choices that remain once the state of the instance has said which calls are useful. */
type CallOptions = typeof options extends fc.Arbitrary<infer W> ? W : never;

/** The next useful call on one of the instances, given its state: so that sequences reach late states. */
export const nextUsefulCall: fc.Arbitrary<Generated<Call>> = options.map(
  (options): Generated<Call> =>
    (at) =>
      nextCall(at, options),
);

/** The next call on the shortest way to a live migration. */
export const nextCallToMigration: fc.Arbitrary<Generated<Call>> = options.map(
  (options): Generated<Call> =>
    (at) =>
      nextCall(at, { ...options, choice: 0 }),
);

function nextCall(at: CallContext, options: CallOptions): Call {
  const focused = { ...options, n: at.focus ?? options.n };
  const calls = nextCalls(at, focused);
  return calls[options.choice % calls.length] ?? creation(at, focused);
}

/** Lists useful calls; the first one leads to a live migration. */
function nextCalls(at: CallContext, options: CallOptions): Call[] {
  const instance = at.world.instances[at.names.id("instance", options.n)];
  if (!instance) return [creation(at, options)];
  const strays = vmmsOf(at.world, instance.id).filter(
    ({ timeUnlinked, timeDeleted }) => timeUnlinked !== null && timeDeleted === null,
  );
  return [
    ...withoutVmm(at, instance, options),
    ...withActiveVmm(at, instance, options),
    ...withMigration(at, instance, options),
    ...withUpdate(at, instance, options),
    ...strays.flatMap((vmm) => tidied(at, vmm)),
    ...afterDeletion(at, instance, options),
  ];
}

function creation({ names }: CallContext, { n, project, intendedState }: CallOptions): Call {
  const ids = {
    instanceId: names.id("instance", n),
    projectId: names.id("project", project === "own" ? n : project),
  };
  return { verb: "create_instance", a: { ...ids, name: "a", intendedState } };
}

function withoutVmm(at: CallContext, instance: InstanceRow, options: CallOptions): Call[] {
  const { id: instanceId } = instance;
  const active = vmmOf(at.world, instanceId, instance.activePropolisId);
  const start = begunStart(at, instance, options, "user");
  const end: Call = { verb: "delete_instance", a: { instanceId } };
  switch (active?.state ?? instance.state) {
    case "creating":
      return active ? [] : [{ verb: "finish_instance_creation", a: { instanceId } }];
    case "failed":
      return active
        ? []
        : [start, start, begunStart(at, instance, options, "auto_restart"), stop(instance), end];
    case "no_vmm":
    case "saga_unwound":
      return [start, start, start, start, begunStart(at, instance, options, "auto_restart"), end];
    case "destroyed":
      return active ? [] : afterwards(at, instance, options);
    default:
      return [];
  }
}

function begunStart(
  at: CallContext,
  { id: instanceId }: InstanceRow,
  options: CallOptions,
  startReason: "user" | "auto_restart",
): Call {
  const ids = { instanceId, sagaId: options.saga(at), propolisId: options.newVmm(at, instanceId) };
  return { verb: "begin_start", a: { ...ids, sledId: options.sled(at), propolisIp: "fd00::1", startReason } };
}

function stop({ id: instanceId }: InstanceRow): Call {
  return { verb: "request_stop", a: { instanceId } };
}

/** Calls of a saga that come too late. */
function afterwards(
  at: CallContext,
  { id: instanceId, updaterGeneration }: InstanceRow,
  { saga }: CallOptions,
): Call[] {
  const updater = { instanceId, sagaId: saga(at), updaterGeneration };
  return [
    { verb: "finish_instance_creation", a: { instanceId } },
    { verb: "configure_instance", a: { instanceId } },
    { verb: "rename_instance", a: { instanceId, name: "b" } },
    { verb: "request_stop", a: { instanceId } },
    { verb: "request_reboot", a: { instanceId } },
    { verb: "delete_instance", a: { instanceId } },
    { verb: "begin_update", a: { instanceId, sagaId: saga(at), lease: "1 hour" } },
    { verb: "commit_update", a: { ...updater, planToken: seenPlan(at, 0) } },
    { verb: "unlock_update", a: updater },
    { verb: "inherit_update", a: { ...updater, parentSagaId: updater.sagaId, lease: "1 hour" } },
    { verb: "break_update", a: { instanceId, updaterGeneration, reason: "stuck" } },
    { verb: "run_update", a: { instanceId, sagaId: saga(at) } },
    { verb: "explain_update", a: { instanceId } },
  ];
}

function withActiveVmm(at: CallContext, instance: InstanceRow, options: CallOptions): Call[] {
  const { id: instanceId } = instance;
  const active = vmmOf(at.world, instanceId, instance.activePropolisId);
  if (!active || dead(active.state)) return [];
  const reports = (...states: ReportedVmmState[]): Call[] =>
    states.map((state) => reporting(at, active, state));
  const unwind: Call = {
    verb: "unwind_start",
    a: { instanceId, propolisId: active.id, sagaId: active.sagaId },
  };
  switch (active.state) {
    case "creating":
    case "starting":
      return [...reports("running", "running", "running", "starting", "failed"), unwind, stop(instance)];
    case "running":
    case "rebooting": {
      const reboot: Call = { verb: "request_reboot", a: { instanceId } };
      if (!isFree(at, instance)) return [...reports("running", "destroyed"), stop(instance), reboot];
      return [
        ...Array<Call>(6).fill(begunMigration(at, active, options)),
        ...reports("rebooting", "running", "stopping", "destroyed", "failed"),
        ...[unwind, stop(instance), reboot],
      ];
    }
    default:
      return reports("running", "stopping", "stopped", "destroyed", "destroyed", "failed");
  }
}

function isFree(at: CallContext, { id, destinationPropolisId }: InstanceRow): boolean {
  const destination = vmmOf(at.world, id, destinationPropolisId);
  return !destination || destination.state === "saga_unwound";
}

function begunMigration(
  at: CallContext,
  { instanceId, id: sourcePropolisId }: VmmRow,
  options: CallOptions,
): Call {
  const destinationPropolisId = options.newVmm(at, instanceId);
  const ids = { migrationId: options.newMigration(at, instanceId), sourcePropolisId, destinationPropolisId };
  const a = { instanceId, sagaId: options.saga(at), ...ids, sledId: options.sled(at), propolisIp: "fd00::2" };
  return { verb: "begin_migration", a };
}

function withMigration(
  at: CallContext,
  { id: instanceId, migrationId }: InstanceRow,
  options: CallOptions,
): Call[] {
  const migration = migrationOf(at.world, instanceId, migrationId);
  return migration ? onMigration(at, migration, options) : [];
}

/** Late calls on a migration that is gone: most of them once the instance is. */
function afterDeletion(at: CallContext, { id, timeDeleted }: InstanceRow, options: CallOptions): Call[] {
  const deleted = migrationsOf(at.world, id).find((migration) => migration.timeDeleted !== null);
  const calls = deleted ? onMigration(at, deleted, options) : [];
  const first = options.choice % calls.length;
  return timeDeleted === null ? calls.slice(first, first + 1) : calls;
}

function onMigration(at: CallContext, migration: MigrationRow, options: CallOptions): Call[] {
  const { instanceId, sagaId, id: migrationId } = migration;
  const source = vmmOf(at.world, instanceId, migration.sourcePropolisId);
  const destination = vmmOf(at.world, instanceId, migration.destinationPropolisId);
  if (!source || !destination) return [];
  const receiving = reportOf(at, destination, options.received);
  const sending = reportOf(at, source, options.sent);
  const received = { ...receiving, ...intoPart(at, migration, options) };
  const sent = { ...sending, ...outOfPart(at, migration, options) };
  const reports = { received, sent, receiving, sending };
  return [
    { verb: "report_vmm", a: received },
    { verb: "report_vmm", a: sent },
    { verb: "report_vmm", a: { ...sent, ...outOfPart(at, migration, { ...options, side: "completed" }) } },
    { verb: "report_vmms", a: options.batch.map((name) => reports[name]) },
    { verb: "unwind_migration", a: { instanceId, sagaId, migrationId } },
    { verb: "unwind_start", a: { instanceId, sagaId: source.sagaId, propolisId: source.id } },
  ];
}

type Part = Partial<ReportVmmArguments>;

function intoPart(
  at: CallContext,
  { id, destinationGeneration }: MigrationRow,
  { side, newer }: CallOptions,
): Part {
  const migrationInGeneration = newer(destinationGeneration);
  return {
    ...{ migrationInId: id, migrationInState: side },
    ...{ migrationInGeneration, migrationInTime: nextTime(at) },
  };
}

function outOfPart(
  at: CallContext,
  { id, sourceGeneration }: MigrationRow,
  { side, newer }: CallOptions,
): Part {
  const migrationOutGeneration = newer(sourceGeneration);
  return {
    ...{ migrationOutId: id, migrationOutState: side },
    ...{ migrationOutGeneration, migrationOutTime: nextTime(at) },
  };
}

function withUpdate(at: CallContext, instance: InstanceRow, { saga, lease }: CallOptions): Call[] {
  const { id: instanceId, updaterId, updaterGeneration } = instance;
  const sagaId = saga(at);
  const run: Call = { verb: "run_update", a: { instanceId, sagaId } };
  const begin: Call = { verb: "begin_update", a: { instanceId, sagaId: updaterId ?? sagaId, lease } };
  if (updaterId === null) return planFor(at.world, instance).needed ? [run, run, begin, begin] : [];
  const held = { instanceId, sagaId: updaterId, updaterGeneration };
  const child = { instanceId, parentSagaId: updaterId, updaterGeneration, sagaId, lease };
  return [
    begin,
    { verb: "commit_update", a: { ...held, planToken: latestPlan(at, instance) } },
    { verb: "commit_update", a: { ...held, planToken: seenPlan(at, 0) } },
    { verb: "inherit_update", a: child },
    { verb: "commit_update", a: { ...held, sagaId, planToken: latestPlan(at, instance) } },
    { verb: "unlock_update", a: held },
    { verb: "break_update", a: { instanceId, updaterGeneration, reason: "stuck" } },
  ];
}

/** Ends and deletes a VMM that no instance names any more. */
function tidied(at: CallContext, vmm: VmmRow): Call[] {
  const removal: Call = { verb: "delete_vmm", a: { instanceId: vmm.instanceId, propolisId: vmm.id } };
  return alive(vmm.state) ? [reporting(at, vmm, "destroyed"), removal] : [removal];
}

function reporting(at: CallContext, vmm: VmmRow, state: ReportedVmmState): Call {
  return { verb: "report_vmm", a: reportOf(at, vmm, state) };
}

function reportOf(
  at: CallContext,
  { instanceId, id, stateGeneration }: VmmRow,
  state: ReportedVmmState,
): ReportVmmArguments {
  return { instanceId, propolisId: id, state, generation: stateGeneration + 1, time: nextTime(at) };
}
