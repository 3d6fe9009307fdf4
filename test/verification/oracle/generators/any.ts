import fc from "fast-check";
import type {
  FailureReason,
  MigrationState,
  ReportedVmmState,
  ReportVmmArguments,
} from "../../../../src/client/generated.js";
import { PLAIN_CALLS, PLAIN_FUNCTIONS } from "../../../support/plain-calls.js";
import { snakeCase } from "../../../support/verbs.js";
import type { Call } from "../calls.js";
import { PURGED_AT_MOST } from "../model/purge.js";
import { COOLDOWNS } from "../model/restart.js";
import { digestOf, type Said, vmmsOn } from "../model/sled.js";
import { LEASES, TOO_LONG_LEASE } from "../model/update-saga.js";
import { migrationOf, migrationsOf, vmmOf } from "../model/world.js";
import { type CallContext, type Generated, nextTime } from "./call-context.js";
import { latestPlan, seenPlan } from "./plans.js";
import * as pick from "./picks.js";

const { instance, saga, sled, vmm, migration, nearby, newer, expected, rightly } = pick;

const REPORTED: ReportedVmmState[] = [
  ...(["starting", "running", "running", "running", "stopping", "stopped"] as const),
  ...(["rebooting", "migrating", "failed", "destroyed"] as const),
];
const SIDES: MigrationState[] = ["pending", "in_progress", "failed", "completed", "completed"];
const FAILURES: FailureReason[] = [
  "sled_agent_report",
  "no_such_vmm",
  "sled_expunged",
  "sled_off",
  "operator",
];

export const reported = fc.constantFrom(...REPORTED);
export const side = fc.constantFrom(...SIDES);
export const failure = fc.constantFrom(...FAILURES);
const lease = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...Object.keys(LEASES)) },
  { weight: 1, arbitrary: fc.constant(TOO_LONG_LEASE) },
);
const configuration = fc.record({
  autoRestartPolicy: fc.constantFrom(null, null, "best_effort" as const, "never" as const),
  autoRestartCooldown: fc.constantFrom(null, ...Object.keys(COOLDOWNS)),
});
const n = fc.nat(1);

const create = fc
  .record({ n, project: n, name: fc.constantFrom("a", "b"), intended: n, configuration })
  .map((d): Generated<Call> => ({ names }) => ({
    verb: "create_instance",
    a: {
      instanceId: names.id("instance", d.n),
      projectId: names.id("project", d.project),
      name: d.name,
      intendedState: d.intended === 0 ? "stopped" : "running",
      ...d.configuration,
    },
  }));

const configure = fc.record({ instance, configuration }).map((d): Generated<Call> => (at) => ({
  verb: "configure_instance",
  a: { instanceId: d.instance(at), ...d.configuration },
}));

const rename = fc
  .record({ instance, name: fc.constantFrom("a", "a", "b", "b", "é".repeat(63), "", "é".repeat(64)) })
  .map((d): Generated<Call> => (at) => ({
    verb: "rename_instance",
    a: { instanceId: d.instance(at), name: d.name },
  }));

const beginStart = fc
  .record({
    instance,
    vmm: pick.newVmm,
    saga,
    sled,
    reason: fc.constantFrom("user", "auto_restart"),
    expected,
  })
  .map((d): Generated<Call> => (at) => {
    const instanceId = d.instance(at);
    const generation = at.world.instances[instanceId]?.stateGeneration;
    return {
      verb: "begin_start",
      a: {
        ...{ instanceId, sagaId: d.saga(at), propolisId: d.vmm(at, instanceId), sledId: d.sled(at) },
        ...{ propolisIp: "fd00::1", startReason: d.reason, expectedGeneration: d.expected(generation) },
      },
    };
  });

const unwindStart = fc.record({ instance, vmm, rightly, saga }).map((d): Generated<Call> => (at) => {
  const instanceId = d.instance(at);
  const propolisId = d.vmm(at, instanceId);
  const creator = d.rightly ? vmmOf(at.world, instanceId, propolisId)?.sagaId : undefined;
  return { verb: "unwind_start", a: { instanceId, propolisId, sagaId: creator ?? d.saga(at) } };
});

const beginMigration = fc
  .record({ instance, vmm, newVmm: pick.newVmm, migration: pick.newMigration, saga, sled, expected, rightly })
  .map((d): Generated<Call> => (at) => {
    const instanceId = d.instance(at);
    const row = at.world.instances[instanceId];
    const active = d.rightly ? row?.activePropolisId : undefined;
    const sourcePropolisId = active ?? d.vmm(at, instanceId);
    const destinationPropolisId = d.newVmm(at, instanceId);
    return {
      verb: "begin_migration",
      a: {
        ...{ instanceId, sagaId: d.saga(at), migrationId: d.migration(at, instanceId) },
        ...{ sourcePropolisId, destinationPropolisId, sledId: d.sled(at), propolisIp: "fd00::2" },
        ...{ propolisPort: 8000, expectedGeneration: d.expected(row?.stateGeneration) },
      },
    };
  });

const unwindMigration = fc
  .record({ instance, migration, rightly, saga })
  .map((d): Generated<Call> => (at) => {
    const instanceId = d.instance(at);
    const migrationId = d.migration(at, instanceId);
    const creator = d.rightly ? migrationOf(at.world, instanceId, migrationId)?.sagaId : undefined;
    return { verb: "unwind_migration", a: { instanceId, migrationId, sagaId: creator ?? d.saga(at) } };
  });

const ofInstance = fc
  .record({
    instance,
    verb: fc.constantFrom("request_stop", "request_stop", "request_reboot", "delete_instance"),
  })
  .map(({ instance, verb }): Generated<Call> => (at) => ({ verb, a: { instanceId: instance(at) } }));

const finish = instance.map((instance): Generated<Call> => (at) => ({
  verb: "finish_instance_creation",
  a: { instanceId: instance(at) },
}));

const deleteVmm = fc.record({ instance, vmm }).map((d): Generated<Call> => (at) => {
  const instanceId = d.instance(at);
  return { verb: "delete_vmm", a: { instanceId, propolisId: d.vmm(at, instanceId) } };
});

const failVmm = fc.record({ instance, vmm, failure, expected }).map((d): Generated<Call> => (at) => {
  const instanceId = d.instance(at);
  const propolisId = d.vmm(at, instanceId);
  const generation = vmmOf(at.world, instanceId, propolisId)?.stateGeneration;
  const expectedGeneration = d.expected(generation);
  return { verb: "fail_vmm", a: { instanceId, propolisId, reason: d.failure, expectedGeneration } };
});

const failSled = fc
  .record({ sled, failure })
  .map((d): Generated<Call> => (at) => ({ verb: "fail_sled", a: { sledId: d.sled(at), reason: d.failure } }));

/** Fails some VMMs of any sled, one of them listed twice, and an id that no VMM has. */
const failSledVmms = fc
  .record({ sled, failure, chosen: fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }) })
  .map((d): Generated<Call> => (at) => {
    const ids = Object.keys(at.world.vmms).filter((_, index) => d.chosen[index % d.chosen.length]);
    const propolisIds = [...ids, ...ids.slice(0, 1), at.names.id("vmm", "unknown")];
    return { verb: "fail_sled_vmms", a: { sledId: d.sled(at), propolisIds, reason: d.failure } };
  });

/** What a sled says of its VMMs, most often the truth; a sled may know less or more than the database, or be malformed. */
const said: fc.Arbitrary<(vmms: Said[]) => { vmmCount: number; digest: string }> = fc
  .oneof(
    { weight: 5, arbitrary: fc.constant((vmms: Said[]) => vmms) },
    { weight: 1, arbitrary: fc.constant((vmms: Said[]) => vmms.slice(1)) },
    {
      weight: 1,
      arbitrary: fc.constant((vmms: Said[]) => vmms.map((vmm) => ({ ...vmm, state: "stopping" as const }))),
    },
  )
  .map((change) => (vmms: Said[]) => {
    const changed = change(vmms);
    return { vmmCount: changed.length, digest: digestOf(changed) };
  });

const malformed = fc.constantFrom({}, {}, {}, {}, {}, { vmmCount: 3 }, { vmmCount: -1 }, { digest: "0x12" });

const reportSled = fc
  .record({ sled, rightly, vmm, instance, said, malformed })
  .map(({ rightly, said, malformed, ...d }): Generated<Call> => (at) => {
    const vmmId = d.vmm(at, d.instance(at));
    const sledId = (rightly ? at.world.vmms[vmmId]?.sledId : undefined) ?? d.sled(at);
    return { verb: "report_sled", a: { sledId, ...said(vmmsOn(at.world, sledId)), ...malformed } };
  });

const onMigration = fc.option(fc.record({ rightly, migration, state: side, newer }), { freq: 2 });

/** A report that the sled agent of the VMM could make, or one of the wrong VMM or migration. */
const report = fc
  .record({ instance, vmm, state: reported, newer, into: onMigration, outOf: onMigration })
  .map(({ into, outOf, ...d }): Generated<ReportVmmArguments> => (at) => {
    const instanceId = d.instance(at);
    const propolisId = d.vmm(at, instanceId);
    const vmm = vmmOf(at.world, instanceId, propolisId);
    const migrations = migrationsOf(at.world, instanceId);
    const inward = migrations.findLast((m) => into?.rightly && m.destinationPropolisId === propolisId);
    const outward = migrations.findLast((m) => outOf?.rightly && m.sourcePropolisId === propolisId);
    const migrationInId = inward?.id ?? into?.migration(at, instanceId);
    const migrationOutId = outward?.id ?? outOf?.migration(at, instanceId);
    const time = nextTime(at);
    const generationOf = (id: string | undefined, side: "destination" | "source"): number =>
      migrationOf(at.world, instanceId, id ?? null)?.[`${side}Generation`] ?? 1;
    return {
      ...{ instanceId, propolisId, state: d.state, generation: d.newer(vmm?.stateGeneration ?? 1), time },
      ...(into && {
        migrationInId,
        migrationInState: into.state,
        migrationInGeneration: into.newer(generationOf(migrationInId, "destination")),
        migrationInTime: time,
      }),
      ...(outOf &&
        migrationOutId !== migrationInId && {
          migrationOutId,
          migrationOutState: outOf.state,
          migrationOutGeneration: outOf.newer(generationOf(migrationOutId, "source")),
          migrationOutTime: time,
        }),
    };
  });

const reportVmm = report.map((report): Generated<Call> => (at) => ({ verb: "report_vmm", a: report(at) }));

const reportVmms = fc
  .array(report, { minLength: 1, maxLength: 4 })
  .map((reports): Generated<Call> => (at) => ({
    verb: "report_vmms",
    a: reports.map((report) => report(at)),
  }));

const settle = fc
  .record({
    report,
    saga,
    isToBeDeleted: fc.constantFrom(undefined, null, true, false),
    ended: fc.constantFrom("failed", "destroyed", "destroyed", null),
  })
  .map(({ report, saga, isToBeDeleted, ended }): Generated<Call> => (at) => {
    const { instanceId, propolisId, state, generation, time } = report(at);
    const a = { instanceId, propolisId, sagaId: saga(at), state: ended ?? state, generation, time };
    return { verb: "settle", a: { ...a, ...(isToBeDeleted !== undefined && { delete: isToBeDeleted }) } };
  });

const beginUpdate = fc.record({ instance, saga, lease }).map((d): Generated<Call> => (at) => ({
  verb: "begin_update",
  a: { instanceId: d.instance(at), sagaId: d.saga(at), lease: d.lease },
}));

/** The holder of the updater lock, most often. */
const updater = fc.record({ rightly, saga, nearby }).map((d) => (at: CallContext, instanceId: string) => {
  const row = at.world.instances[instanceId];
  const sagaId = (d.rightly ? row?.updaterId : undefined) ?? d.saga(at);
  return { sagaId, updaterGeneration: d.nearby(row?.updaterGeneration ?? 1) };
});

const inheritUpdate = fc.record({ instance, updater, saga, lease }).map((d): Generated<Call> => (at) => {
  const instanceId = d.instance(at);
  const { sagaId: parentSagaId, updaterGeneration } = d.updater(at, instanceId);
  const a = { instanceId, parentSagaId, updaterGeneration, sagaId: d.saga(at), lease: d.lease };
  return { verb: "inherit_update", a };
});

/** The plan as it is now, most often; or an older one. */
const plan = fc
  .option(fc.nat(9), { freq: 2 })
  .map((older) => (at: CallContext, instanceId: string): string => {
    const row = at.world.instances[instanceId];
    return row && older === null ? latestPlan(at, row) : seenPlan(at, older ?? 0);
  });

const commitUpdate = fc.record({ instance, updater, plan }).map((d): Generated<Call> => (at) => {
  const instanceId = d.instance(at);
  const planToken = d.plan(at, instanceId);
  return { verb: "commit_update", a: { instanceId, ...d.updater(at, instanceId), planToken } };
});

const unlockUpdate = fc.record({ instance, updater }).map((d): Generated<Call> => (at) => {
  const instanceId = d.instance(at);
  return { verb: "unlock_update", a: { instanceId, ...d.updater(at, instanceId) } };
});

const breakUpdate = fc
  .record({ instance, updater, reason: fc.constantFrom("stuck", "stuck", "stuck", "stuck", "") })
  .map((d): Generated<Call> => (at) => {
    const instanceId = d.instance(at);
    const { updaterGeneration } = d.updater(at, instanceId);
    return { verb: "break_update", a: { instanceId, updaterGeneration, reason: d.reason } };
  });

const runUpdate = fc.record({ instance, saga }).map((d): Generated<Call> => (at) => ({
  verb: "run_update",
  a: { instanceId: d.instance(at), sagaId: d.saga(at) },
}));

const plain = fc
  .record({ instance, name: fc.constantFrom(...PLAIN_FUNCTIONS) })
  .map(({ instance, name }): Generated<Call> => (at) => {
    return { verb: snakeCase(name), a: PLAIN_CALLS[name](instance(at)) } as Call;
  });

const timeGoesBy = fc
  .record({
    instance,
    verb: fc.constantFrom("lease_expires", "lease_expires", "cooldown_elapses", "boots_in_a_loop"),
  })
  .map(({ instance, verb }): Generated<Call> => (at) => ({ verb, a: { instanceId: instance(at) } }));

const runsForLong = fc.record({ instance, vmm }).map((d): Generated<Call> => (at) => {
  const instanceId = d.instance(at);
  return { verb: "guest_runs_for_long", a: { instanceId, propolisId: d.vmm(at, instanceId) } };
});

const day = instance.map((instance): Generated<Call> => (at) => ({
  verb: "a_day_goes_by",
  a: { instanceId: instance(at) },
}));

const purged = fc
  .oneof(
    { weight: 6, arbitrary: fc.constant({ hoursAgo: 2, limit: PURGED_AT_MOST }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        { hoursAgo: 0.9, limit: PURGED_AT_MOST },
        { hoursAgo: 2, limit: 0 },
        { hoursAgo: 2, limit: PURGED_AT_MOST + 1 },
        { hoursAgo: 48, limit: PURGED_AT_MOST },
      ),
    },
  )
  .map((a): Generated<Call> => () => ({ verb: "purge", a }));

/** Calls that also delete rows of other sequences, so no two may run at once. */
export const housekeeping: fc.Arbitrary<Generated<Call>> = fc.oneof(day, purged);

/** Any call, whether it makes sense now or not. */
export const anyCall: fc.Arbitrary<Generated<Call>> = fc.oneof(
  { weight: 1, arbitrary: create },
  { weight: 1, arbitrary: configure },
  { weight: 4, arbitrary: rename },
  { weight: 1, arbitrary: finish },
  { weight: 3, arbitrary: beginStart },
  { weight: 3, arbitrary: unwindStart },
  { weight: 4, arbitrary: beginMigration },
  { weight: 3, arbitrary: unwindMigration },
  { weight: 2, arbitrary: ofInstance },
  { weight: 2, arbitrary: deleteVmm },
  { weight: 2, arbitrary: failVmm },
  { weight: 1, arbitrary: failSled },
  { weight: 1, arbitrary: failSledVmms },
  { weight: 8, arbitrary: reportVmm },
  { weight: 3, arbitrary: reportVmms },
  { weight: 3, arbitrary: reportSled },
  { weight: 3, arbitrary: settle },
  { weight: 2, arbitrary: beginUpdate },
  { weight: 2, arbitrary: inheritUpdate },
  { weight: 3, arbitrary: commitUpdate },
  { weight: 2, arbitrary: unlockUpdate },
  { weight: 1, arbitrary: breakUpdate },
  { weight: 2, arbitrary: runUpdate },
  { weight: 2, arbitrary: plain },
  { weight: 2, arbitrary: timeGoesBy },
  { weight: 1, arbitrary: runsForLong },
);
