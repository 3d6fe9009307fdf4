import { randomBytes, randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type postgres from "postgres";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { sqlStateOf } from "../../../src/errors/sql-state.js";
import { assertCompatible, vmstate } from "../../../src/index.js";
import { runCli } from "../../cli/run-cli.js";
import { Scenario } from "../../cli/scenario.js";
import { type PoolerKind, startPooler } from "../pooler.js";
import { createEmptyDatabase, withDatabase } from "../../support/database.js";
import { plantHostile, PLANTED } from "./plant.js";

const role = `vmstate_test_planted_${randomBytes(6).toString("hex")}`;

const db = withDatabase();
let sql: postgres.Sql;
let web: Scenario;
let propolisId: string;
beforeAll(async () => {
  web = await new Scenario(db.sql).createStopped();
  propolisId = await web.run();
  await (await new Scenario(db.sql).createStopped()).startAndUnwind();
  await db.sql.unsafe(`create role ${role} superuser login password 'secret'`);
  await db.sql.unsafe(`alter role ${role} set search_path to public, pg_catalog`);
  await plantHostile(db.sql);
  // The client would ask for types by operators that the search_path resolves.
  sql = db.connect({ max: 1, username: role, password: "secret", fetch_types: false });
});
afterAll(async () => {
  await sql.end();
  await db.sql.unsafe(`drop owned by ${role}; drop role ${role}`);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const as = (url: string): string => Object.assign(new URL(url), { username: role, password: "secret" }).href;

/** The SQLSTATE and the message; empty when it succeeds. */
async function failureOf(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => "",
    (error: unknown) => `${sqlStateOf(error)} ${String(error)}`,
  );
}

describe("CVE-2018-1058: an object planted in public, first on the role's search_path,", () => {
  it.each([
    "select to_json(i) from vmstate.api_instance as i",
    "select row_to_json(i)::pg_catalog.text from vmstate.api_instance as i",
    "select 1 from vmstate.instance as i where i.id = i.id",
    "select 'a'::text",
    "select count(*) from vmstate.instance",
    "select pg_catalog.count(*) from pg_class",
    "select unnest(enum_range(null::vmstate.api_instance_state))",
  ])("runs if the schema is left out: %s", async (text) => {
    expect(await failureOf(sql.unsafe(text))).toMatch(/planted in public|not an aggregate function/);
  });

  it("does not run in any wrapper", async () => {
    const id = randomUUID();
    const all = {
      ...{ id: web.instanceId, instanceId: web.instanceId, projectId: web.projectId, propolisId, sagaId: id },
      ...{ sledId: id, propolisIp: "fd00::1", name: "web", intendedState: "running", state: "running" },
      ...{ generation: 9, time: new Date(), reason: "operator", lease: "1 minute", planToken: id },
      ...{ parentSagaId: id, updaterGeneration: 1, sourcePropolisId: propolisId, destinationPropolisId: id },
      ...{ migrationId: id, role, kind: "reader", limit: 5, before: new Date(0), propolisIds: [id] },
    };
    const report = {
      instanceId: web.instanceId,
      propolisId,
      state: "running",
      generation: 9,
      time: new Date(),
    };
    const reportsOf: Record<string, unknown> = {
      reportVmm: report,
      reportVmms: [{ ...report, generation: 10 }],
    };
    const bound = Object.entries(vmstate(sql));
    expect(bound.length).toBeGreaterThan(25);
    for (const [name, call] of bound) {
      const argument = reportsOf[name] ?? all;
      const failure = await failureOf((call as (a: unknown) => Promise<unknown>)(argument));
      // The verb itself may refuse its arguments.
      expect(`${name}: ${failure}`).toMatch(/^\w+: (VM.*)?$/);
    }
    await assertCompatible(sql);
  });

  const instance = (): string => web.instanceId;
  it.each([
    ["status", () => ["status"]],
    ["show", () => ["show", instance()]],
    ["explain", () => ["explain", instance()]],
    ["verify", () => ["verify"]],
    ["migrate", () => ["migrate"]],
    ["migrate status", () => ["migrate", "status"]],
    ["migrate plan", () => ["migrate", "plan"]],
    ["demo", () => ["demo"]],
    ["replay", () => ["replay", traceOfOne(), "--seed", "1"]],
  ])("does not run in `vmstate %s`", async (_, args) => {
    vi.stubEnv("DATABASE_URL", as(db.url));
    const { code, stderr } = await runCli(...args());
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining(PLANTED) as string });
  });

  // A pooler that lets no search_path through: every transaction sets it, and the first statement needs none.
  describe.each(["refuses", "ignores"] satisfies PoolerKind[])("past a pooler that %s options", (kind) => {
    it.each([["status"], ["verify"], ["demo"], ["migrate"], ["migrate", "status"], ["doctor"]])(
      "does not run in `vmstate %s`",
      async (...args) => {
        await using pooler = await startPooler(kind, db.url);
        vi.stubEnv("DATABASE_URL", as(pooler.url));
        const { code, stderr } = await runCli(...args);
        expect(stderr).not.toContain(PLANTED);
        expect(stderr).not.toMatch(/^vmstate: 127/m);
        if (args[0] !== "doctor") expect(code).toBe(0);
      },
    );
  });

  it("does not run in `vmstate doctor`", async () => {
    vi.stubEnv("DATABASE_URL", as(db.url));
    expect((await runCli("doctor")).stderr).not.toContain(PLANTED);
  });

  it("does not run in a first migration", async () => {
    await using empty = await createEmptyDatabase();
    await plantHostile(empty.sql);
    vi.stubEnv("DATABASE_URL", as(empty.url));
    expect(await runCli("migrate")).toMatchObject({ code: 0, stderr: "" });
    const captured = await empty.sql`
      select from pg_depend as d join pg_proc as p on d.refclassid = 'pg_proc'::regclass and p.oid = d.refobjid
      join pg_depend as home on home.classid = d.classid and home.objid = d.objid
      where p.pronamespace = 'public'::regnamespace and home.refobjid = 'vmstate'::regnamespace`;
    expect(captured).toHaveLength(0);
  });
});

function traceOfOne(): string {
  const file = join(tmpdir(), `${role}.csv`);
  writeFileSync(file, "arrival_s,batch,vcpus,memory_gb,lifetime_s\n0,1,1,1,60\n");
  return file;
}
