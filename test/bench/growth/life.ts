import { randomUUID } from "node:crypto";
import {
  beginMigration,
  type BeginMigrationArguments,
  beginStart,
  type BeginStartArguments,
  beginUpdate,
  breakUpdate,
  commitUpdate,
  configureInstance,
  createInstance,
  deleteInstance,
  deleteVmm,
  explainUpdate,
  failSled,
  failSledVmms,
  failVmm,
  finishInstanceCreation,
  inheritUpdate,
  reportVmm,
  type ReportVmmArguments,
  reportVmms,
  requestStop,
  runUpdate,
  unlockUpdate,
  unwindMigration,
  unwindStart,
} from "../../../src/index.js";
import { plainCall, PLAIN_FUNCTIONS } from "../../support/plain-calls.js";
import { snakeCase } from "../../support/verbs.js";
import { IP } from "../alternatives/alternative.js";
import { type Member, next } from "../fleet.js";
import type { Sled } from "./population.js";
import type { Site } from "./site.js";

const BATCH = 100;
const LEASE = "1 minute";
/** Higher than what was reported of any VMM of the population. */
const LATE = 2_000_000;

/** Every verb, on an instance that was loaded as running and that no call has changed since: it moves, stops, starts, ends. */
export async function live(site: Site): Promise<void> {
  const { caller } = site;
  const vmm = site.population.take(site.random);
  const { instanceId } = vmm;
  await report(site, "no news", next(vmm, "running"));
  await report(site, "no news, again", next(vmm, "running"));
  await report(site, "another state", next(vmm, "rebooting"));
  await reportMany(site);
  for (const name of PLAIN_FUNCTIONS) await caller.call(snakeCase(name), plainCall(name, instanceId));
  const policy = { instanceId, autoRestartPolicy: "never" } as const;
  applied(await caller.call("configure_instance", (sql) => configureInstance(sql, policy)));
  await stop(site, await move(site, vmm));
  await failToStart(site, instanceId);
  applied(await caller.call("delete_instance", (sql) => deleteInstance(sql, { instanceId })));
  await create(site);
}

async function report({ caller }: Site, what: string, a: ReportVmmArguments): Promise<void> {
  applied(await caller.call(`report_vmm, ${what}`, (sql) => reportVmm(sql, a)));
}

async function reportMany({ caller, population, random }: Site): Promise<void> {
  const reports = population.pick(BATCH, random).map((vmm) => next(vmm, "running"));
  const answers = await caller.call(`report_vmms, ${BATCH} VMMs`, (sql) => reportVmms(sql, reports));
  for (const answer of answers ?? []) applied(answer);
}

/** Migrates to a VMM whose migration unwinds, and then to another one, which completes. */
async function move(site: Site, source: Member): Promise<Member> {
  const { caller } = site;
  const { instanceId, propolisId: sourcePropolisId } = source;
  const migrateTo = ({ propolisId: destinationPropolisId }: Member): BeginMigrationArguments => {
    const ids = { sagaId: randomUUID(), migrationId: randomUUID(), sledId: randomUUID() };
    return { instanceId, ...ids, sourcePropolisId, destinationPropolisId, propolisIp: IP };
  };

  const nowhere = another(source);
  const failing = migrateTo(nowhere);
  applied(await caller.call("begin_migration", (sql) => beginMigration(sql, failing)));
  applied(await caller.call("unwind_migration", (sql) => unwindMigration(sql, failing)));
  const destination = another(source);
  const { migrationId, ...rest } = migrateTo(destination);
  const migration = { migrationId, ...rest };
  applied(await caller.call("begin_migration, replacing", (sql) => beginMigration(sql, migration)));
  applied(await caller.call("delete_vmm, unwound", (sql) => deleteVmm(sql, nowhere)));

  await report(site, "destination begins", { ...next(destination, "migrating"), ...inward(migrationId, 2) });
  await report(site, "source begins", { ...next(source, "migrating"), ...outward(migrationId, 2) });
  await report(site, "destination completes", { ...next(destination, "running"), ...inward(migrationId, 3) });
  await update(site, "migrated", instanceId);
  await report(site, "source ends", { ...next(source, "destroyed"), ...outward(migrationId, 3) });
  applied(await caller.call("delete_vmm, migrated", (sql) => deleteVmm(sql, source)));
  return destination;
}

/** The update saga hands its lock on. */
async function stop(site: Site, vmm: Member): Promise<void> {
  const { caller } = site;
  const { instanceId } = vmm;
  const parentSagaId = randomUUID();
  const sagaId = randomUUID();
  applied(await caller.call("request_stop", (sql) => requestStop(sql, { instanceId })));
  await report(site, "destroyed", next(vmm, "destroyed"));
  const { updaterGeneration: parents } = await beginUpdateOf(site, "", { instanceId, sagaId: parentSagaId });
  const heir = { instanceId, parentSagaId, updaterGeneration: parents, sagaId, lease: LEASE };
  applied(await caller.call("inherit_update", (sql) => inheritUpdate(sql, heir)));
  const commit = { instanceId, sagaId, ...(await heldBy(site, instanceId)) };
  applied(await caller.call("commit_update", (sql) => commitUpdate(sql, commit)));
  applied(await caller.call("delete_vmm", (sql) => deleteVmm(sql, vmm)));
}

/** Twice: the first start unwinds, the second one's VMM is lost. */
async function failToStart(site: Site, instanceId: string): Promise<void> {
  const { caller } = site;
  const [first, second] = [startOf(instanceId), startOf(instanceId)];
  applied(await caller.call("begin_start", (sql) => beginStart(sql, first)));
  applied(await caller.call("unwind_start", (sql) => unwindStart(sql, first)));
  applied(await caller.call("begin_start, replacing", (sql) => beginStart(sql, second)));
  applied(await caller.call("delete_vmm, never started", (sql) => deleteVmm(sql, first)));
  const loss = { ...second, reason: "no_such_vmm" } as const;
  applied(await caller.call("fail_vmm", (sql) => failVmm(sql, loss)));
  const sagaId = randomUUID();
  const held = await beginUpdateOf(site, ", failed", { instanceId, sagaId });
  applied(await caller.call("unlock_update", (sql) => unlockUpdate(sql, { instanceId, sagaId, ...held })));
  const abandoned = await beginUpdateOf(site, ", abandoned", { instanceId, sagaId: randomUUID() });
  const broken = { instanceId, ...abandoned, reason: "the saga is dead" };
  applied(await caller.call("break_update", (sql) => breakUpdate(sql, broken)));
  await update(site, "failed", instanceId);
  applied(await caller.call("delete_vmm, failed", (sql) => deleteVmm(sql, second)));
}

interface Held {
  updaterGeneration: number;
  planToken: string;
}

async function beginUpdateOf(
  site: Site,
  what: string,
  ids: { instanceId: string; sagaId: string },
): Promise<Held> {
  applied(await site.caller.call(`begin_update${what}`, (sql) => beginUpdate(sql, { ...ids, lease: LEASE })));
  return await heldBy(site, ids.instanceId);
}

/** As the row says: a call that is explained does not. */
async function heldBy({ caller }: Site, instanceId: string): Promise<Held> {
  const plan = await explainUpdate(caller.sql, { instanceId });
  return plan as Held;
}

async function create({ caller, population, random }: Site): Promise<void> {
  const id = randomUUID();
  const instance = { id, projectId: population.project(random), name: id };
  applied(
    await caller.call("create_instance", (sql) =>
      createInstance(sql, { ...instance, intendedState: "stopped" }),
    ),
  );
  applied(
    await caller.call("finish_instance_creation", (sql) => finishInstanceCreation(sql, { instanceId: id })),
  );
}

/** The end of about 30 VMMs of a sled, each of which reported a moment ago; and of as many that another sled lost. */
export async function loseSleds(site: Site): Promise<void> {
  const { caller } = site;
  const lost = await takeSled(site);
  const sled = { sledId: lost.sledId, reason: "sled_expunged" } as const;
  requireSome(await caller.call("fail_sled, about 30 VMMs", (sql) => failSled(sql, sled)));

  const { sledId, vmms } = await takeSled(site);
  const propolisIds = vmms.map(({ propolisId }) => propolisId);
  const listed = { sledId, propolisIds, reason: "no_such_vmm" } as const;
  requireSome(await caller.call("fail_sled_vmms, about 30 VMMs", (sql) => failSledVmms(sql, listed)));
}

async function takeSled({ caller, population, random }: Site): Promise<Sled> {
  const sled = population.takeSled(random);
  await reportVmms(
    caller.sql,
    sled.vmms.map((vmm) => ({ ...next(vmm, "running"), generation: LATE })),
  );
  return sled;
}

function requireSome(failed: unknown[] | undefined): void {
  if (failed?.length === 0) throw new Error("there was no VMM on the sled");
}

async function update({ caller }: Site, what: string, instanceId: string): Promise<void> {
  const sagaId = randomUUID();
  applied(await caller.call(`run_update, ${what}`, (sql) => runUpdate(sql, { instanceId, sagaId })));
}

function startOf(instanceId: string): BeginStartArguments {
  const ids = { instanceId, sagaId: randomUUID(), propolisId: randomUUID(), sledId: randomUUID() };
  return { ...ids, propolisIp: IP };
}

function another({ instanceId }: Member): Member {
  return { instanceId, propolisId: randomUUID(), generation: 1, state: "starting" };
}

function inward(migrationInId: string, generation: 2 | 3): Partial<ReportVmmArguments> {
  return {
    migrationInId,
    migrationInState: generation === 2 ? "in_progress" : "completed",
    migrationInGeneration: generation,
    migrationInTime: new Date(),
  };
}

function outward(migrationOutId: string, generation: 2 | 3): Partial<ReportVmmArguments> {
  return {
    migrationOutId,
    migrationOutState: generation === 2 ? "in_progress" : "completed",
    migrationOutGeneration: generation,
    migrationOutTime: new Date(),
  };
}

/** Nothing is known of a call that was explained; that it did its work shows in the calls after it. */
function applied(answer: { outcome: string } | { vmmOutcome: string } | undefined): void {
  if (answer === undefined) return;
  const outcome = "outcome" in answer ? answer.outcome : answer.vmmOutcome;
  if (outcome !== "applied") throw new Error(`a verb was not applied: ${JSON.stringify(answer)}`);
}
