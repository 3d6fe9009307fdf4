import { randomBytes } from "node:crypto";
import type postgres from "postgres";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import {
  bindSledAgent,
  grantAccess,
  reportVmm,
  revokeAccess,
  type ReportVmmArguments,
} from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import { running, type Scenario } from "../scenario.js";
import { errorOf, PASSWORD } from "./actors.js";

/** More than have room on the access list of a view: about 2,400, for PostgreSQL compresses it. */
const SLEDS = 5_000;
/** How many roles are granted at once at first; then 50 and, near the limit, 1 at a time. */
const FIRST_FILL = 2_000;

/** The prefix of the roles of this file, which the server keeps for all databases. */
const prefix = `vmstate_test_sled_${randomBytes(6).toString("hex")}`;
const group = `${prefix}_agents`;
const sled = (n: number): string => `${prefix}_${n}`;

const db = withDatabase();
const { sql } = db;
let isPg16: boolean;
beforeAll(async () => {
  isPg16 = (await sql`select from pg_settings where name = 'createrole_self_grant'`).count > 0;
  await sql.unsafe(`
    create role ${group} nologin;
    do $$ begin
      for n in 1..${SLEDS} loop
        execute format('create role %I login in role %I', '${prefix}_' || n, '${group}');
      end loop;
    end $$`);
});
afterAll(async () => {
  // What the database says of branches that were reached is read at the end of the run, and ends with the server.
  if (inject("sqlCoverage")) return;
  // With the database go its dependencies on the roles, which would have to be looked through for each of them.
  const admin = db.connect({ max: 1, database: "postgres" });
  await sql.end();
  const name = new URL(db.url).pathname.slice(1);
  await admin.unsafe(`drop database ${name} with (force)`);
  await admin.unsafe(`do $$ declare r record; begin
    for r in select rolname from pg_catalog.pg_roles where pg_catalog.starts_with(rolname, '${prefix}') loop
      execute format('drop role %I', r.rolname);
    end loop;
  end $$`);
});

/** A session of a role that may log in. */
async function login(role: string): Promise<postgres.Sql> {
  await sql.unsafe(`alter role ${role} password '${PASSWORD}'`);
  return db.connect({ max: 1, username: role, password: PASSWORD });
}

function reportOf({ instanceId, propolisId }: Scenario, generation = 3): ReportVmmArguments {
  return { instanceId, propolisId, state: "rebooting", generation, time: new Date("2024-02-29T12:34:56Z") };
}

const NOT_ITS_SLED = { code: "42501", hint: expect.stringContaining("vmstate.bind_sled_agent") as unknown };
const NO_RIGHT = { code: "42501", message: expect.stringMatching(/^permission denied/) as unknown };

describe("a group role of 5,000 sleds", () => {
  let own: Scenario;
  let foreign: Scenario;
  beforeAll(async () => {
    [own, foreign] = [await running(sql), await running(sql)];
    expect(await grantAccess(sql, { role: group, kind: "sled_agent" })).toEqual({ outcome: "applied" });
    const bound = await sql`
      select from generate_series(1, ${SLEDS}) as n
        where vmstate.bind_sled_agent(p_role => ${`${prefix}_`} || n, p_sled_id => gen_random_uuid()) = 'applied'`;
    expect(bound.count).toBe(SLEDS);
  });

  test("needs one grant_access: no access list has an entry for a single sled", async () => {
    const [{ longest }] = await sql<[{ longest: number }]>`
      select max(cardinality(c.relacl)) as longest from pg_class as c where c.relnamespace = 'vmstate'::regnamespace`;
    expect(longest).toBe(2);
    expect(await grantAccess(sql, { role: group, kind: "sled_agent" })).toEqual({ outcome: "unchanged" });
  });

  test("lets each member report VMMs of its own sled only", async () => {
    const agent = await login(sled(SLEDS));
    await bindSledAgent(sql, { role: sled(SLEDS), sledId: own.start.sledId });
    expect(await reportVmm(agent, reportOf(own))).toMatchObject({ vmmOutcome: "applied" });
    expect(await errorOf(reportVmm(agent, reportOf(foreign)))).toMatchObject(NOT_ITS_SLED);
    await agent.unsafe(`set role ${group}`);
    expect(await errorOf(reportVmm(agent, reportOf(own, 4)))).toMatchObject(NOT_ITS_SLED);
  });

  test("lets a member of a member report too", async () => {
    await sql.unsafe(`create role ${prefix}_rack nologin in role ${group};
      create role ${prefix}_nested login in role ${prefix}_rack`);
    await bindSledAgent(sql, { role: `${prefix}_nested`, sledId: own.start.sledId });
    const agent = await login(`${prefix}_nested`);
    expect(await reportVmm(agent, reportOf(own, 5))).toMatchObject({ vmmOutcome: "applied" });
  });

  test("gives nothing to a member that does not inherit", async () => {
    const agent = await login(sled(1));
    await bindSledAgent(sql, { role: sled(1), sledId: own.start.sledId });
    // Since PostgreSQL 16 it is the membership that inherits or does not.
    await sql.unsafe(
      isPg16 ? `grant ${group} to ${sled(1)} with inherit false` : `alter role ${sled(1)} noinherit`,
    );
    expect(await errorOf(reportVmm(agent, reportOf(own, 6)))).toMatchObject(NO_RIGHT);
  });

  test("needs no SET: PostgreSQL 16, WITH SET FALSE", async ({ skip }) => {
    skip(!isPg16, "memberships have no options before PostgreSQL 16");
    const agent = await login(sled(2));
    await bindSledAgent(sql, { role: sled(2), sledId: own.start.sledId });
    await sql.unsafe(`grant ${group} to ${sled(2)} with set false`);
    expect(await reportVmm(agent, reportOf(own, 7))).toMatchObject({ vmmOutcome: "applied" });
    expect(await errorOf(agent.unsafe(`set role ${group}`))).toMatchObject({ code: "42501" });
  });

  test("revoke_access of the group stops every member at once", async () => {
    const agent = await login(sled(3));
    await bindSledAgent(sql, { role: sled(3), sledId: own.start.sledId });
    expect(await revokeAccess(sql, { role: group, kind: "sled_agent" })).toEqual({ outcome: "applied" });
    expect(await errorOf(reportVmm(agent, reportOf(own, 8)))).toMatchObject(NO_RIGHT);
  });
});

describe("grant_access when an access list has no room for one more role", () => {
  /** Grants to more roles at a time, until PostgreSQL refuses; the first sled without the right. */
  async function fill(first: number, step: number): Promise<number> {
    const names = Array.from({ length: step }, (_, n) => sled(first + n)).join();
    const error = await errorOf(sql.unsafe(`grant select on vmstate.schema_version to ${names}`));
    return error === undefined ? await fill(first + step, step) : first;
  }

  test("54000, with a hint to use a group role", async () => {
    const n = await fill(await fill(await fill(1, FIRST_FILL), 50), 1);
    const error = await errorOf(grantAccess(sql, { role: sled(n), kind: "sled_agent" }));
    expect(error).toMatchObject({
      code: "54000",
      message: `vmstate.grant_access: the access list of TABLE vmstate.schema_version has no room for role "${sled(n)}"`,
      detail: expect.stringContaining("row is too big") as unknown,
      hint: "Nothing was changed. Call grant_access once for a group role that cannot log in, and GRANT the group role to the other roles. revoke_access removes a role from the list.",
    });
    const rights = await sql`select has_schema_privilege(${sled(n)}, 'vmstate', 'usage') as may`;
    expect(rights).toEqual([{ may: false }]);
  });
});
