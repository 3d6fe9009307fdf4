import { randomUUID } from "node:crypto";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  beginStart,
  grantAccess,
  reportVmm,
  reportVmms,
  requestStop,
  vmstate,
  type SqlClient,
  type Vmstate,
} from "../../src/index.js";
import { type ClientOptions, createDatabase, withDatabase } from "../support/database.js";
import { PLAIN_CALLS, PLAIN_FUNCTIONS } from "../support/plain-calls.js";
import { running } from "../sql/scenario.js";

const role = `vmstate_test_clients_${process.pid}`;

const db = withDatabase();
beforeAll(async () => {
  await db.sql`create role ${db.sql(role)}`;
  await grantAccess(db.sql, { role, kind: "reader" });
});
afterAll(async () => {
  await db.sql.unsafe(`drop owned by ${role}; drop role ${role}`);
});

type Answers = Record<string, unknown>;

/** A life of an instance in which every function is called; what each answered, in the order of the calls. */
async function live(client: Vmstate): Promise<Answers[]> {
  const answers: Answers[] = [];
  const v = recording(client, (name, answer) => answers.push({ [name]: answer }));
  const [instanceId, projectId, sagaId, parentSagaId] = [0, 0, 0, 0].map(() => randomUUID()) as [
    string,
    string,
    string,
    string,
  ];
  const [propolisId, destinationPropolisId, migrationId, sledId] = [0, 0, 0, 0].map(() => randomUUID()) as [
    string,
    string,
    string,
    string,
  ];
  const time = new Date(Date.UTC(2030, 0, 2, 3, 4, 5, 678));
  const vmm = { instanceId, propolisId };

  await v.createInstance({
    id: instanceId,
    projectId,
    name: "Zoë's «web»",
    intendedState: "running",
    autoRestartCooldown: 90,
  });
  await v.finishInstanceCreation({ id: instanceId });
  await v.configureInstance({
    instanceId,
    autoRestartPolicy: "best_effort",
    autoRestartCooldown: "0 seconds",
  });
  for (const name of PLAIN_FUNCTIONS)
    await (v[name] as (argument: unknown) => Promise<unknown>)(PLAIN_CALLS[name](instanceId));
  await v.renameInstance({ instanceId, name: "Zoë's other «web»" });
  await v.restartableInstances({ limit: 1000 });
  const start = { ...vmm, sagaId, sledId, propolisIp: "fd00::1" };
  await v.beginStart({ ...start, propolisPort: 1, startReason: "auto_restart", expectedGeneration: 2 });
  await v.beginStart(start);
  await v.unwindStart({ ...start, sagaId: projectId });
  await v.reportVmm({ ...vmm, state: "running", generation: 2 ** 53 - 9, time });
  await v.requestReboot({ instanceId });
  const migration = { instanceId, sagaId, migrationId, sourcePropolisId: propolisId, destinationPropolisId };
  await v.beginMigration({
    ...migration,
    sledId: randomUUID(),
    propolisIp: "10.0.0.1",
    expectedGeneration: 3,
  });
  await v.stuckInstances();
  const into = {
    migrationInId: migrationId,
    migrationInState: "completed",
    migrationInGeneration: 2,
    migrationInTime: time,
  } as const;
  await v.reportVmms([
    { ...vmm, state: "running", generation: 2 ** 53 - 8, time },
    {
      instanceId,
      propolisId: destinationPropolisId,
      state: "running",
      generation: 2,
      time: time.toISOString(),
      ...into,
    },
  ]);
  const out = {
    migrationOutId: migrationId,
    migrationOutState: "completed",
    migrationOutGeneration: 2,
    migrationOutTime: time,
  } as const;
  await v.reportVmm({ ...vmm, state: "stopping", generation: 2 ** 53 - 7, time, ...out });
  await v.unwindMigration(migration);
  await v.pendingUpdates();
  await v.explainUpdate({ instanceId });
  const parent = await v.beginUpdate({ instanceId, sagaId: parentSagaId, lease: 60 });
  const updaterGeneration = Number(parent.updaterGeneration);
  const lock = { instanceId, updaterGeneration, sagaId: parentSagaId };
  await v.breakUpdate({ instanceId, updaterGeneration: updaterGeneration + 1, reason: "nobody's «lock»" });
  const child = await v.inheritUpdate({ ...lock, parentSagaId, sagaId, lease: "1 hour" });
  await v.unlockUpdate(lock);
  await v.commitUpdate({
    instanceId,
    sagaId,
    updaterGeneration: Number(child.updaterGeneration),
    planToken: String(child.planToken),
  });
  await v.orphanedVmms();
  await v.failSledVmms({ sledId, propolisIds: [propolisId, destinationPropolisId], reason: "no_such_vmm" });
  await v.failSledVmms({ sledId, propolisIds: [], reason: "no_such_vmm" });
  await v.failSled({ sledId, reason: "sled_off" });
  await v.abandonedVmms();
  await v.deleteVmm(vmm);
  await v.watchedVmms();
  await v.apiInstance({ instanceId });
  await v.apiInstances({ projectId });
  await v.apiVmms({ instanceId });
  await v.failVmm({
    instanceId,
    propolisId: destinationPropolisId,
    reason: "operator",
    expectedGeneration: 2,
  });
  await v.runUpdate({ instanceId, sagaId });
  await v.requestStop({ instanceId });
  await v.deleteInstance({ instanceId });
  await v.purge({ before: new Date(Date.UTC(2000, 0, 1)), limit: 3 });
  await v.purge({ before: "2000-01-01T00:00:00Z" });
  await v.invariantViolations();
  await v.revokeAccess({ role, kind: "reader" });
  await v.grantAccess({ role, kind: "reader" });
  await v.bindSledAgent({ role });

  const own = (answer: unknown): unknown =>
    Array.isArray(answer)
      ? answer.filter((row: Answers) => (row["instanceId"] ?? instanceId) === instanceId)
      : answer;
  return answers.map((answer) =>
    Object.fromEntries(Object.entries(answer).map(([name, value]) => [name, own(value)])),
  );
}

function recording(v: Vmstate, record: (name: string, answer: unknown) => void): Vmstate {
  const recorded = Object.entries(v).map(([name, call]) => [
    name,
    async (...rest: unknown[]) => {
      const answer = await (call as (...rest: unknown[]) => Promise<unknown>)(...rest);
      record(name, answer);
      return answer;
    },
  ]);
  return Object.fromEntries(recorded) as Vmstate;
}

/** The same for every life: ids by their first appearance, points in time only as what they are. */
function comparable(answers: unknown): unknown {
  const ids = new Map<string, string>();
  const walk = (value: unknown): unknown => {
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? "no date" : "a date";
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value === "object" && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, of]) => [key, walk(of)]));
    if (typeof value !== "string") return value;
    if (/^\d+\.[0-9a-f]+$/.test(value)) return "a token";
    if (!/^[0-9a-f]{8}-/.test(value)) return value;
    if (!ids.has(value)) ids.set(value, `id ${ids.size}`);
    return ids.get(value);
  };
  return walk(answers);
}

const STRINGS = { to: 1184, from: [1082, 1114, 1184], serialize: (x: string) => x, parse: (x: string) => x };

describe("every function returns the same", () => {
  let expected: unknown;
  beforeAll(async () => {
    const answers = await live(vmstate(db.sql));
    expect(Object.keys(vmstate(db.sql)).filter((name) => !answers.some((answer) => name in answer))).toEqual(
      [],
    );
    expect(answers).toContainEqual({
      reportVmm: {
        vmmOutcome: "applied",
        migrationInOutcome: null,
        migrationOutOutcome: null,
        updateNeeded: false,
        state: "running",
        stateGeneration: 2 ** 53 - 9,
      },
    });
    expected = comparable(answers);
    expect(JSON.stringify(expected)).toContain("a date");
    expect(JSON.stringify(expected)).not.toContain("no date");
  });

  const alike = async (sql: SqlClient): Promise<void> => {
    expect(comparable(await live(vmstate(sql)))).toEqual(expected);
  };

  const clients: [string, ClientOptions][] = [
    ["of one connection", { max: 1 }],
    ["with transform: postgres.camel", { transform: postgres.camel }],
    ["with transform: postgres.toCamel", { transform: { column: { from: postgres.toCamel } } }],
    ["with transform: postgres.pascal", { transform: postgres.pascal }],
    ["with transform: postgres.kebab", { transform: postgres.kebab }],
    ["with values transformed", { transform: { value: { from: (value: unknown) => `<${String(value)}>` } } }],
    ["with rows transformed", { transform: { row: { from: (row: postgres.Row) => ({ ...row }) } } }],
    ["with types: { bigint: postgres.BigInt }", { types: { bigint: postgres.BigInt } }],
    ["with times as strings", { types: { date: STRINGS } }],
    [
      "with JSON as strings",
      { types: { json: { to: 114, from: [114, 3802], serialize: String, parse: String } } },
    ],
    ["with prepare: false", { prepare: false }],
    ["with fetch_types: false", { fetch_types: false }],
    [
      "with all of these options",
      {
        max: 1,
        transform: postgres.camel,
        types: { bigint: postgres.BigInt },
        prepare: false,
        fetch_types: false,
      },
    ],
    [
      "whose session has its own settings",
      {
        connection: {
          search_path: "pg_catalog",
          DateStyle: "German",
          TimeZone: "Asia/Kathmandu",
          bytea_output: "escape",
        },
      },
    ],
    [
      "whose transactions are serializable",
      { connection: { default_transaction_isolation: "serializable" } },
    ],
  ];

  it.each(clients)("for a client %s", async (_, options) => {
    await alike(db.connect(options));
  });

  it("in a transaction, and in a savepoint of it", async () => {
    await db.sql.begin(async (sql) => {
      await alike(sql);
      await sql.savepoint((sql) => alike(sql));
    });
  });

  it("on a reserved connection", async () => {
    const sql = await db.sql.reserve();
    await alike(sql);
    sql.release();
  });
});

describe("a verb in a transaction", () => {
  it("is rolled back with the transaction", async () => {
    const s = await running(db.sql);
    await expect(
      db.sql.begin(async (sql) => {
        expect(await requestStop(sql, s)).toMatchObject({ outcome: "applied" });
        throw new Error("rolled back");
      }),
    ).rejects.toThrow("rolled back");
    expect(await requestStop(db.sql, s)).toMatchObject({ outcome: "applied" });
  });

  it("leaves the transaction usable after a conflict", async () => {
    const s = await running(db.sql);
    await db.sql.begin(async (sql) => {
      expect(await beginStart(sql, { ...s.start, propolisId: randomUUID() })).toMatchObject({
        outcome: "conflict",
      });
      expect(await requestStop(sql, s)).toMatchObject({ outcome: "applied" });
    });
  });
});

describe("values", () => {
  it("a generation above 2^53-1 is a RangeError, not another generation", async () => {
    await using other = await createDatabase();
    const s = await running(other.sql);
    await other.sql`alter domain vmstate.generation drop constraint exact_in_a_double`;
    await other.sql`update vmstate.instance set state_generation = 9007199254740993 where id = ${s.instanceId}`;
    const answer = requestStop(other.sql, s);
    await expect(answer).rejects.toThrow(RangeError);
    await expect(answer).rejects.toThrow(
      "stateGeneration is 9007199254740992, which a number cannot hold exactly",
    );
  });

  const TIME = "2030-01-02T03:04:05.678901+05:45";
  const stored = async (propolisId: string): Promise<unknown> =>
    (
      await db.sql`select time_state_updated = ${TIME}::text::timestamptz as exact from vmstate.vmm where id = ${propolisId}`
    )[0]?.["exact"];

  it("a time given as text keeps its microseconds in report_vmm", async () => {
    const s = await running(db.sql);
    const { instanceId, propolisId } = s;
    await reportVmm(db.sql, { instanceId, propolisId, state: "stopping", generation: 9, time: TIME });
    expect(await stored(s.propolisId)).toBe(true);
  });

  it("a time given as text keeps its microseconds in report_vmms", async () => {
    const s = await running(db.sql);
    const { instanceId, propolisId } = s;
    await reportVmms(db.sql, [{ instanceId, propolisId, state: "stopping", generation: 9, time: TIME }]);
    expect(await stored(s.propolisId)).toBe(true);
  });

  it("optional arguments may be left out, undefined or null", async () => {
    for (const optional of [{}, { expectedGeneration: undefined }, { expectedGeneration: null }]) {
      const s = await running(db.sql);
      expect(await vmstate(db.sql).failVmm({ ...s, reason: "operator", ...optional })).toMatchObject({
        outcome: "applied",
      });
    }
  });
});
