import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import { DatabaseError } from "../../../src/errors/call-errors.js";
import {
  beginUpdate,
  bindSledAgent,
  commitUpdate,
  deleteInstance,
  deleteVmm,
  explainUpdate,
  inheritUpdate,
  reportVmm,
  sledDigest,
  type SledVmm,
  unwindMigration,
} from "../../../src/index.js";
import {
  applied,
  creating,
  deleted,
  expireLease,
  failed,
  handedOver,
  instance,
  migrated,
  migrating,
  migration,
  running,
  saying,
  starting,
  stopped,
  unknown,
  unwound,
  vmm,
  type Scenario,
} from "../../sql/scenario.js";
import type { Catalog } from "./catalog.js";

/** An instance that calls are about. */
export interface Subject {
  /** What suits a slot of this name, as text. */
  named: Readonly<Record<string, readonly string[]>>;
  ids: readonly string[];
  /** By type, the rows of the subject, as text. */
  rows: Readonly<Record<string, readonly string[]>>;
}

/** The highest generation that the database takes. */
const LAST = 2 ** 53 - 1;

/** Brings an instance into a state. */
type Reach = (sql: postgres.Sql) => Promise<Scenario>;

/** One instance in each kind of state, two of them in one project. */
const reaches = (projectId: string): Reach[] => [
  running,
  (sql) => stopped(sql, { intendedState: "running", projectId }),
  creating,
  starting,
  unwound,
  failed,
  deleted,
  migrating,
  handedOver,
  migrated,
  () => Promise.resolve(unknown()),
  () => Promise.resolve(unknown({ name: "Robert'); drop table vmstate.instance; --" })),
  (sql) => saying(sql, "rebooting"),
  (sql) => saying(sql, "stopped"),
  (sql) => saying(sql, "destroyed"),
  (sql) => stopped(sql, { name: "'); drop table vmstate.instance; --", projectId }),
  held,
  inherited,
  expired,
  committed,
  migrationUnwound,
  withNewVmm,
  vmmDeleted,
  longDeleted,
  atLastGeneration,
  (sql) => reportedAt(sql, "294276-12-31 23:59:59.999999+00"),
  (sql) => reportedAt(sql, "9999-12-31 23:59:59.999999+00"),
  (sql) => reportedAt(sql, "1800-01-01 00:00:00+00"),
  (sql) => reportedAt(sql, "0001-01-01 00:00:00+00"),
  (sql) => reportedAt(sql, "4713-01-01 00:00:00+00 BC"),
];

/** Fills the database; returns what is in it, by instance. */
export async function populate(sql: postgres.Sql, catalog: Catalog): Promise<Subject[]> {
  const scenarios: Scenario[] = [];
  for (const reach of reaches(randomUUID())) scenarios.push(await reach(sql));
  await bindSledAgent(sql, { role: "pg_monitor", sledId: randomUUID() });
  const rows = await readRows(sql, catalog);
  return await Promise.all(
    scenarios.map(async (s) => ({ ...(await nameAll(sql, s)), rows: rows.get(s.instanceId) ?? {} })),
  );
}

/** A saga holds the updater lock. */
async function held(sql: postgres.Sql): Promise<Scenario> {
  const s = await saying(sql, "destroyed");
  await applied(beginUpdate(sql, { ...s, sagaId: randomUUID(), lease: "1 hour" }));
  return s;
}

async function inherited(sql: postgres.Sql): Promise<Scenario> {
  const s = await saying(sql, "failed");
  const parentSagaId = randomUUID();
  const { updaterGeneration } = await applied(beginUpdate(sql, { ...s, sagaId: parentSagaId, lease: 3600 }));
  const sagaId = randomUUID();
  await applied(inheritUpdate(sql, { ...s, parentSagaId, updaterGeneration, sagaId, lease: 3600 }));
  return s;
}

async function expired(sql: postgres.Sql): Promise<Scenario> {
  const s = await held(sql);
  await expireLease(sql, s);
  return s;
}

async function committed(sql: postgres.Sql): Promise<Scenario> {
  const s = await saying(sql, "destroyed");
  const sagaId = randomUUID();
  const lock = await applied(beginUpdate(sql, { ...s, sagaId, lease: "1 hour" }));
  const { updaterGeneration, planToken } = lock;
  await applied(commitUpdate(sql, { ...s, sagaId, updaterGeneration, planToken }));
  return s;
}

async function migrationUnwound(sql: postgres.Sql): Promise<Scenario> {
  const s = await migrating(sql);
  await applied(unwindMigration(sql, s.migration));
  return s;
}

/** A VMM to which the owner may insert a migration in psql. */
async function withNewVmm(sql: postgres.Sql): Promise<Scenario> {
  const s = await running(sql);
  const { instanceId, destinationId: id, migration } = s;
  await sql`
    insert into vmstate.vmm (instance_id, id, sled_id, propolis_ip, saga_id)
      values (${instanceId}, ${id}, ${migration.sledId}, ${migration.propolisIp}, ${migration.sagaId})`;
  return s;
}

async function vmmDeleted(sql: postgres.Sql): Promise<Scenario> {
  const s = await failed(sql);
  await applied(deleteVmm(sql, s));
  return s;
}

async function atLastGeneration(sql: postgres.Sql): Promise<Scenario> {
  const s = await running(sql);
  await unlessRefused(reportVmm(sql, { ...vmmIn(s), state: "running", generation: LAST, time: new Date() }));
  return s;
}

async function reportedAt(sql: postgres.Sql, time: string): Promise<Scenario> {
  const s = await running(sql);
  await unlessRefused(reportVmm(sql, { ...vmmIn(s), state: "running", generation: 3, time }));
  return s;
}

const vmmIn = ({ instanceId, propolisId }: Scenario): { instanceId: string; propolisId: string } => ({
  instanceId,
  propolisId,
});

/** A deleted instance with all that was deleted before it, so long ago that it can be purged. */
async function longDeleted(sql: postgres.Sql): Promise<Scenario> {
  const s = await failed(sql);
  await applied(deleteVmm(sql, s));
  await applied(deleteInstance(sql, s));
  await sql.begin(async (sql) => {
    await sql`set local session_replication_role = replica`;
    await sql`update vmstate.vmm set time_deleted = '2020-01-01' where instance_id = ${s.instanceId}`;
    await sql`update vmstate.instance set time_deleted = '2020-01-01' where id = ${s.instanceId}`;
  });
  return s;
}

/** What is accepted, however extreme, must not do harm later. */
async function unlessRefused(call: Promise<unknown>): Promise<void> {
  await call.catch((error: unknown) => {
    if (!(error instanceof DatabaseError)) throw error;
  });
}

async function nameAll(sql: postgres.Sql, s: Scenario): Promise<Omit<Subject, "rows">> {
  const row = await instance(sql, s);
  const vmms = [await vmm(sql, s.propolisId), await vmm(sql, s.destinationId)];
  const vmmGenerations = texts(vmms.map((v) => v["state_generation"]));
  const side = await migration(sql, s.migrationId);
  const { planToken } = await explainUpdate(sql, s);
  const onSled = { propolisId: s.propolisId, state: String(vmms[0]?.["state"]) } as SledVmm;
  const digests = [await sledDigest([]), await sledDigest([onSled])];
  const ids = {
    instance_id: [s.instanceId],
    project_id: [s.create.projectId],
    propolis_id: [s.propolisId, s.propolisId, s.destinationId],
    active_propolis_id: [s.propolisId],
    source_propolis_id: [s.propolisId],
    destination_propolis_id: [s.destinationId],
    migration_id: [s.migrationId],
    saga_id: texts([s.start.sagaId, s.migration.sagaId, row["updater_id"]]),
    sled_id: [s.start.sledId, s.migration.sledId],
  };
  return {
    named: {
      ...ids,
      id: ids.instance_id,
      before: ["2024-02-29 12:00:00+00", "2010-01-01 00:00:00+00"],
      limit: ["1", "1000", "100000"],
      vmm_count: texts(digests.map(({ vmmCount }) => vmmCount)),
      digest: digests.map(({ digest }) => digest),
      parent_saga_id: texts([row["updater_id"] ?? s.start.sagaId]),
      migration_in_id: ids.migration_id,
      migration_out_id: [s.instanceId, s.migrationId],
      time_deleted: [],
      name: [s.create.name],
      start_reason: ["user", "auto_restart"],
      role: ["pg_monitor", "pg_read_all_data"],
      lease: ["1 minute", "1 hour"],
      plan_token: texts([planToken]),
      updater_generation: texts([row["updater_generation"]]),
      expected_generation: [...texts([row["state_generation"]]), ...vmmGenerations],
      generation: vmmGenerations.map(next),
      migration_in_generation: texts([side["destination_generation"] ?? 1]).map(next),
      migration_out_generation: texts([side["source_generation"] ?? 1]).map(next),
    },
    ids: Object.values(ids).flat(),
  };
}

/** Keeps the values that are texts. */
function texts(values: readonly unknown[]): string[] {
  return values.filter((value) => typeof value === "string" || typeof value === "number").map(String);
}

function next(generation: string): string {
  return String(BigInt(generation) + 1n);
}

/** By instance, by type. */
async function readRows(sql: postgres.Sql, catalog: Catalog): Promise<Map<string, Record<string, string[]>>> {
  const byInstance = new Map<string, Record<string, string[]>>();
  for (const { name } of catalog.relations) {
    const rows = await sql<{ id: string | null; row: string }[]>`
      select coalesce(to_jsonb(r) ->> 'instance_id', to_jsonb(r) ->> 'id') as id, r::text as row
        from vmstate.${sql(name)} as r`;
    for (const { id, row } of rows) {
      const types = byInstance.get(String(id)) ?? {};
      (types[`vmstate.${name}`] ??= []).push(row);
      byInstance.set(String(id), types);
    }
  }
  return byInstance;
}
