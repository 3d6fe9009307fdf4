import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import { expect } from "vitest";
import {
  beginMigration,
  beginStart,
  createInstance,
  deleteInstance,
  finishInstanceCreation,
  reportVmm,
  runUpdate,
  unwindMigration,
  unwindStart,
  type ApiInstanceState,
  type BeginMigrationArguments,
  type BeginStartArguments,
  type CreateInstanceArguments,
  type InstanceState,
  type MigrationState,
  type ReportedVmmState,
  type ReportVmmResult,
  type VmmAddress,
} from "../../src/index.js";

/** An instance that only one test has, and all ids that the test may need, whether a row has them yet or not. */
export interface Scenario {
  instanceId: string;
  /** The VMM of `start`. */
  propolisId: string;
  /** The VMM of `migration`. */
  destinationId: string;
  migrationId: string;
  create: CreateInstanceArguments & { instanceId: string };
  start: BeginStartArguments;
  migration: BeginMigrationArguments;
  /** The columns by which an instance verb shows the instance as the scenario leaves it. */
  row: InstanceRow;
}

export interface InstanceRow {
  instanceId: string;
  apiState: ApiInstanceState;
  state: InstanceState;
  stateGeneration: number;
  activePropolisId: string | null;
  destinationPropolisId: string | null;
  migrationId: string | null;
}

type Create = Partial<Omit<Scenario["create"], "instanceId">>;

/** The columns by which a verb shows an instance that does not exist: all are null. */
export const NO_ROW = {
  instanceId: null,
  apiState: null,
  state: null,
  stateGeneration: null,
  activePropolisId: null,
  destinationPropolisId: null,
  migrationId: null,
} as const;

const STATE_WITHOUT_VMM: Partial<Record<ApiInstanceState, InstanceState>> = {
  creating: "creating",
  stopped: "no_vmm",
  failed: "failed",
  destroyed: "destroyed",
};

/** The columns of an instance that shows `apiState` and names these VMMs. */
export function rowOf(
  { instanceId, migrationId }: Pick<Scenario, "instanceId" | "migrationId">,
  apiState: ApiInstanceState,
  stateGeneration: number,
  activePropolisId: string | null = null,
  destinationPropolisId: string | null = null,
): InstanceRow {
  const state = activePropolisId === null ? STATE_WITHOUT_VMM[apiState] : "vmm";
  if (state === undefined) throw new Error(`no instance without a VMM shows ${apiState}`);
  return {
    instanceId,
    apiState,
    state,
    stateGeneration,
    activePropolisId,
    destinationPropolisId,
    migrationId: destinationPropolisId === null ? null : migrationId,
  };
}

/** Makes the address by which answers show the VMM that a start or a migration makes. */
export function addressOf(made: BeginStartArguments | BeginMigrationArguments): VmmAddress {
  const propolisId = "destinationPropolisId" in made ? made.destinationPropolisId : made.propolisId;
  const { sledId, propolisIp, propolisPort } = made;
  return { propolisId, sledId, propolisIp, propolisPort: propolisPort ?? 12400 };
}

/** Makes the addresses of these VMMs of a scenario. */
export function addressesOf({ start, migration }: Scenario, ids: readonly string[]): VmmAddress[] {
  const known = [addressOf(start), addressOf(migration)];
  return ids.map((id) => known.find(({ propolisId }) => propolisId === id) ?? expect.fail(`no VMM ${id}`));
}

/** Arguments of a start by another saga, of another VMM, on another sled. */
export function anotherStart({ instanceId }: Pick<Scenario, "instanceId">): BeginStartArguments {
  return {
    instanceId,
    sagaId: randomUUID(),
    propolisId: randomUUID(),
    sledId: randomUUID(),
    propolisIp: "fd00::3",
  };
}

/** Arguments of a migration by another saga, to another VMM, on another sled. */
export function anotherMigration({ migration }: Pick<Scenario, "migration">): BeginMigrationArguments {
  return {
    ...migration,
    sagaId: randomUUID(),
    migrationId: randomUUID(),
    destinationPropolisId: randomUUID(),
    sledId: randomUUID(),
  };
}

/** Makes the ids of an instance that is not in the database. */
export function unknown(options: Create = {}): Scenario {
  const instanceId = randomUUID();
  const propolisId = randomUUID();
  const destinationId = randomUUID();
  const migrationId = randomUUID();
  const start = { ...anotherStart({ instanceId }), propolisId, propolisIp: "fd00::1" };
  const migration = {
    instanceId,
    sagaId: randomUUID(),
    migrationId,
    sourcePropolisId: propolisId,
    destinationPropolisId: destinationId,
    sledId: randomUUID(),
    propolisIp: "fd00::2",
  };
  const create: Scenario["create"] = {
    instanceId,
    projectId: randomUUID(),
    name: "web",
    intendedState: "stopped",
    ...options,
  };
  const s = { instanceId, propolisId, destinationId, migrationId, create, start, migration };
  return { ...s, row: rowOf(s, "creating", 1) };
}

/** Makes an instance whose creation is not finished. */
export async function creating(sql: postgres.Sql, options?: Create): Promise<Scenario> {
  const s = unknown(options);
  await applied(createInstance(sql, s.create));
  return s;
}

/** Makes an instance without a VMM. */
export async function stopped(sql: postgres.Sql, options?: Create): Promise<Scenario> {
  const s = await creating(sql, options);
  await applied(finishInstanceCreation(sql, s));
  return { ...s, row: rowOf(s, "stopped", 2) };
}

/** Makes an instance whose VMM is still `creating`, at generation 1. */
export async function starting(sql: postgres.Sql, options?: Create): Promise<Scenario> {
  const s = await stopped(sql, options);
  await applied(beginStart(sql, s.start));
  return { ...s, row: rowOf(s, "starting", 3, s.propolisId) };
}

/** Makes an instance whose VMM is `running`, at generation 2. */
export async function running(sql: postgres.Sql, options?: Create): Promise<Scenario> {
  const s = await starting(sql, options);
  await say(sql, s, "active", "running");
  return { ...s, row: rowOf(s, "running", 3, s.propolisId) };
}

/** Makes an instance whose VMM ran, is in this state at generation 3, and is still linked. */
export async function saying(
  sql: postgres.Sql,
  state: ReportedVmmState,
  options?: Create,
): Promise<Scenario> {
  const s = await running(sql, options);
  await say(sql, s, "active", state);
  const shown = {
    starting: "starting",
    running: "running",
    stopping: "stopping",
    stopped: "stopping",
    rebooting: "rebooting",
    migrating: "migrating",
    failed: "stopping",
    destroyed: "stopping",
  } as const;
  return { ...s, row: rowOf(s, shown[state], 3, s.propolisId) };
}

/** Makes an instance whose VMM is `saga_unwound`, at generation 2, and still linked. */
export async function unwound(sql: postgres.Sql, options?: Create): Promise<Scenario> {
  const s = await starting(sql, options);
  await applied(unwindStart(sql, s.start));
  return { ...s, row: rowOf(s, "stopped", 3, s.propolisId) };
}

/** Makes an instance in state failed: its VMM failed, and the update saga unlinked the VMM. */
export async function failed(sql: postgres.Sql, options?: Create): Promise<Scenario> {
  const s = await saying(sql, "failed", options);
  await update(sql, s);
  return { ...s, row: rowOf(s, "failed", 4) };
}

/** Makes a deleted instance, which never had a VMM. */
export async function deleted(sql: postgres.Sql, options?: Create): Promise<Scenario> {
  const s = await stopped(sql, options);
  await applied(deleteInstance(sql, s));
  return { ...s, row: rowOf(s, "destroyed", 3) };
}

/** Makes an instance that migrates from a running VMM: destination VMM `creating`, both sides pending, all at generation 1. */
export async function migrating(sql: postgres.Sql, options?: Create): Promise<Scenario> {
  const s = await running(sql, options);
  await applied(beginMigration(sql, s.migration));
  return { ...s, row: rowOf(s, "migrating", 4, s.propolisId, s.destinationId) };
}

/** Makes an instance whose migration was unwound: the destination VMM is `saga_unwound`, both sides failed, all still linked. */
export async function unwoundMigration(sql: postgres.Sql, options?: Create): Promise<Scenario> {
  const s = await migrating(sql, options);
  await applied(unwindMigration(sql, s.migration));
  return { ...s, row: rowOf(s, "running", 4, s.propolisId, s.destinationId) };
}

/** Makes an instance whose source completed and was unlinked: the destination VMM is active, and decides the migration. */
export async function handedOver(sql: postgres.Sql, options?: Create): Promise<Scenario> {
  const s = await migrating(sql, options);
  await say(sql, s, "destination", "migrating", "in_progress");
  await say(sql, s, "active", "running", "completed");
  await update(sql, s);
  return { ...s, row: rowOf(s, "migrating", 5, s.destinationId, s.destinationId) };
}

/** Makes an instance that has migrated: the destination VMM is active, the source VMM runs on without a link. */
export async function migrated(sql: postgres.Sql, options?: Create): Promise<Scenario> {
  const s = await migrating(sql, options);
  await say(sql, s, "destination", "running", "completed");
  await update(sql, s);
  return { ...s, row: rowOf(s, "running", 5, s.destinationId) };
}

/** Sends the next report, newer by one, of the first VMM or of the destination, and if given of its side of the migration. */
export async function say(
  sql: postgres.Sql,
  s: Scenario,
  who: "active" | "destination",
  state: ReportedVmmState,
  side?: MigrationState,
): Promise<ReportVmmResult> {
  const propolisId = who === "active" ? s.propolisId : s.destinationId;
  const report = {
    instanceId: s.instanceId,
    propolisId,
    state,
    generation: Number((await vmm(sql, propolisId))["state_generation"]) + 1,
    time: new Date(),
  };
  if (side === undefined) return await reportVmm(sql, report);
  const row = await migration(sql, s.migrationId);
  if (who === "active")
    return await reportVmm(sql, {
      ...report,
      migrationOutId: s.migrationId,
      migrationOutState: side,
      migrationOutGeneration: Number(row["source_generation"]) + 1,
      migrationOutTime: report.time,
    });
  return await reportVmm(sql, {
    ...report,
    migrationInId: s.migrationId,
    migrationInState: side,
    migrationInGeneration: Number(row["destination_generation"]) + 1,
    migrationInTime: report.time,
  });
}

/** Calls run_update, which must have something to do. */
export async function update(sql: postgres.Sql, { instanceId }: Pick<Scenario, "instanceId">): Promise<void> {
  await applied(runUpdate(sql, { instanceId, sagaId: randomUUID() }));
}

/** Lets the lease of the updater lock end now. */
export async function expireLease(
  sql: postgres.Sql,
  { instanceId }: Pick<Scenario, "instanceId">,
): Promise<void> {
  await sql`update vmstate.instance set updater_lease_until = clock_timestamp() where id = ${instanceId}`;
}

/** Returns the answer; its outcome must be `applied`. */
export async function applied<A extends { outcome: string }>(
  call: Promise<A>,
): Promise<Extract<A, { outcome: "applied" | "unchanged" }>> {
  const answer = await call;
  expect(answer).toMatchObject({ outcome: "applied" });
  return answer as Extract<A, { outcome: "applied" | "unchanged" }>;
}

/** Reads the clock of the database, to the microsecond. */
export async function clock(sql: postgres.Sql): Promise<string> {
  const [row] = await sql<{ time: string }[]>`select clock_timestamp()::text as time`;
  return row?.time ?? "";
}

/** Whether a stored time lies between `begin`, which `clock` told, and now. */
export async function isSince(sql: postgres.Sql, begin: string, time: unknown): Promise<boolean> {
  const [row] = await sql<{ isSince: boolean | null }[]>`
    select ${time as string}::text::timestamptz between ${begin}::text::timestamptz and clock_timestamp() as "isSince"`;
  return row?.isSince === true;
}

type StoredRow = Record<string, unknown>;

/** Reads the row of an instance. */
export async function instance(
  sql: postgres.Sql,
  { instanceId }: Pick<Scenario, "instanceId">,
): Promise<StoredRow> {
  const [found] = await sql<{ row: StoredRow }[]>`
    select to_jsonb(i) as row from vmstate.instance as i where i.id = ${instanceId}`;
  return found?.row ?? {};
}

/** Reads the row of a VMM. */
export async function vmm(sql: postgres.Sql, propolisId: string): Promise<StoredRow> {
  const [found] = await sql<{ row: StoredRow }[]>`
    select to_jsonb(v) as row from vmstate.vmm as v where v.id = ${propolisId}`;
  return found?.row ?? {};
}

/** Reads the row of a migration. */
export async function migration(sql: postgres.Sql, migrationId: string): Promise<StoredRow> {
  const [found] = await sql<{ row: StoredRow }[]>`
    select to_jsonb(m) as row from vmstate.migration as m where m.id = ${migrationId}`;
  return found?.row ?? {};
}

/** Returns what `act` answers; `act` must not write any row of the whole database. */
export async function writingNothing<T>(sql: postgres.Sql, act: () => Promise<T>): Promise<T> {
  const before = await everything(sql);
  const answer = await act();
  expect(await everything(sql)).toEqual(before);
  return answer;
}

/** Reads every row, with the transaction that wrote this version of the row. */
async function everything(sql: postgres.Sql): Promise<unknown[]> {
  return [
    ...(await sql`
      select 'instance' as "table", i.xmin::text, i.ctid::text, to_jsonb(i) as row from vmstate.instance as i
      union all select 'vmm', v.xmin::text, v.ctid::text, to_jsonb(v) from vmstate.vmm as v
      union all select 'migration', m.xmin::text, m.ctid::text, to_jsonb(m) from vmstate.migration as m
      order by 1, 3`),
  ];
}

/** Calls a verb by its SQL name with named arguments, whatever they are. */
export function call(
  sql: postgres.Sql,
  verb: string,
  namedArguments: Record<string, string | number | null>,
): postgres.PendingQuery<postgres.Row[]> {
  const list = Object.entries(namedArguments).map(
    ([name, value], i) => sql`${i === 0 ? sql`` : sql`,`} ${sql(name)} => ${value}`,
  );
  return sql`select * from vmstate.${sql(verb)}(${list})`;
}

/** Expects that the call is refused as VM001, which names the argument and says what is wrong, and that nothing is written. */
export async function expectInvalid(
  sql: postgres.Sql,
  verb: string,
  namedArguments: Record<string, string | number | null>,
  argument: string,
  detail: RegExp,
): Promise<void> {
  const error = await writingNothing(sql, () =>
    call(sql, verb, namedArguments).then(
      () => undefined,
      (reason: unknown) => reason as postgres.PostgresError,
    ),
  );
  expect(error).toMatchObject({ code: "VM001" });
  expect(error?.message).toContain(`vmstate.${verb}`);
  expect(error?.message).toContain(argument);
  expect(error?.detail).toMatch(detail);
  expect(error?.hint).toMatch(/\w/);
}
