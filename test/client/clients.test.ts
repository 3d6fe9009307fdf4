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
} from "../../src/index.js";
import { type ClientOptions, createDatabase, withDatabase } from "../support/database.js";
import { running } from "../sql/scenario.js";
import { comparable, runLifecycle } from "./lifecycle.js";

const role = `vmstate_test_clients_${process.pid}`;

const db = withDatabase();
beforeAll(async () => {
  await db.sql`create role ${db.sql(role)}`;
  await grantAccess(db.sql, { role, kind: "reader" });
});
afterAll(async () => {
  await db.sql.unsafe(`drop owned by ${role}; drop role ${role}`);
});

const STRINGS = { to: 1184, from: [1082, 1114, 1184], serialize: (x: string) => x, parse: (x: string) => x };

describe("every function returns the same", () => {
  let expected: unknown;
  beforeAll(async () => {
    const answers = await runLifecycle(vmstate(db.sql), role);
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
    expect(comparable(await runLifecycle(vmstate(sql), role))).toEqual(expected);
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
