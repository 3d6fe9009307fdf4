import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { grantAccess, reportVmm, type AccessKind } from "../../../src/index.js";
import { createDatabase, withDatabase } from "../../support/database.js";
import { readFacts } from "../../support/catalog-facts.js";
import { untilWaiting } from "../../support/waiting.js";
import { expectInvalid } from "../scenario.js";
import { Actors, errorOf } from "./actors.js";

const db = withDatabase();
const { sql } = db;
let actors: Actors;
beforeAll(() => {
  actors = new Actors(db);
});
afterAll(async () => {
  await actors[Symbol.asyncDispose]();
});

const KINDS: AccessKind[] = ["control_plane", "sled_agent", "reader"];

describe.each(KINDS)("grant_access of %s", (kind) => {
  test("is applied once, then unchanged", async () => {
    const { role } = await actors.create("again", []);
    expect(await grantAccess(sql, { role, kind })).toEqual({ outcome: "applied" });
    const before = await readFacts(sql);
    expect(await grantAccess(sql, { role, kind })).toEqual({ outcome: "unchanged" });
    expect(await readFacts(sql)).toEqual(before);
  });

  test("restores a right that the owner revoked by hand", async () => {
    const { role } = await actors.create("restored", [kind]);
    const before = await readFacts(sql);
    await sql.unsafe(`revoke execute on all functions in schema vmstate from ${role}`);
    expect(await grantAccess(sql, { role, kind })).toEqual({ outcome: "applied" });
    expect(new Set(await readFacts(sql))).toEqual(new Set(before));
  });

  test("grants to the role itself, even when a role it is a member of has the kind already", async () => {
    const [group, member] = [await actors.create("group", [kind]), await actors.create("member", [])];
    await sql.unsafe(`grant ${group.role} to ${member.role}`);
    expect(await grantAccess(sql, { role: member.role, kind })).toEqual({ outcome: "applied" });
  });

  test("grants objects that a later schema migration added", async () => {
    await using database = await createDatabase();
    await using others = new Actors(database);
    const { role, sql: login } = await others.create("upgraded", [kind]);
    await database.sql.unsafe(`
      create function vmstate.is_new(int) returns boolean language sql immutable return true;
      create view vmstate.new_view as select vmstate.is_new(1) as new;
      create function vmstate.new_verb() returns int language sql security definer return 1;
      revoke all on function vmstate.is_new, vmstate.new_verb from public`);
    const isReadable = kind !== "sled_agent";
    expect(await grantAccess(database.sql, { role, kind })).toEqual({
      outcome: isReadable ? "applied" : "unchanged",
    });
    const view = await errorOf(login`select new from vmstate.new_view`);
    expect(view?.code).toBe(isReadable ? undefined : "42501");
    const verb = await errorOf(login`select vmstate.new_verb()`);
    expect(verb?.code).toBe(kind === "control_plane" ? undefined : "42501");
  });
});

test("applied: a role with several kinds and a name that needs quoting", async () => {
  const role = `Vmstate "test" ${process.pid}'s`;
  await sql`create role ${sql(role)}`;
  for (const kind of KINDS.toReversed())
    expect(await grantAccess(sql, { role, kind })).toEqual({ outcome: "applied" });
  for (const kind of KINDS) expect(await grantAccess(sql, { role, kind })).toEqual({ outcome: "unchanged" });
  await sql`drop owned by ${sql(role)}`;
  await sql`drop role ${sql(role)}`;
});

test("applied: two sessions that grant at the same time", async () => {
  const [first, second] = [await actors.create("first", []), await actors.create("second", [])];
  const waiting = await sql.reserve();
  const [{ pid }] = await waiting<[{ pid: number }]>`select pg_backend_pid() as pid`;
  const { granted, blocked } = await sql.begin(async (transaction) => {
    const granted = await grantAccess(transaction, { role: first.role, kind: "sled_agent" });
    const blocked = grantAccess(waiting, { role: second.role, kind: "sled_agent" });
    await untilWaiting(sql, pid);
    return { granted, blocked };
  });
  expect([granted, await blocked]).toEqual([{ outcome: "applied" }, { outcome: "applied" }]);
  waiting.release();
});

test("42501 for a role that is not the owner, even with EXECUTE", async () => {
  const stranger = await actors.create("stranger", []);
  await sql.unsafe(`grant usage on schema vmstate to ${stranger.role}`);
  await sql.unsafe(`grant execute on all functions in schema vmstate to ${stranger.role}`);
  const before = await readFacts(sql);
  const error = await errorOf(grantAccess(stranger.sql, { role: stranger.role, kind: "control_plane" }));
  expect(error).toMatchObject({
    code: "42501",
    message: expect.stringContaining("vmstate.grant_access") as unknown,
    detail: expect.stringContaining(stranger.role) as unknown,
    hint: expect.stringMatching(/\w/) as unknown,
  });
  expect(await readFacts(sql)).toEqual(before);
});

test("applied: the owner is not a superuser", async () => {
  await using database = await createDatabase();
  await using others = new Actors(database);
  const [owner, reader] = [await others.create("owner", []), await others.create("reader", [])];
  await database.sql.unsafe(`do $$ declare r record; begin
    alter schema vmstate owner to ${owner.role};
    for r in select oid::regprocedure as f from pg_proc where pronamespace = 'vmstate'::regnamespace loop
      execute format('alter function %s owner to ${owner.role}', r.f); end loop;
    for r in select oid::regclass as c from pg_class where relnamespace = 'vmstate'::regnamespace and relkind in ('r', 'v') loop
      execute format('alter table %s owner to ${owner.role}', r.c); end loop;
  end $$`);
  const answer = await grantAccess(owner.sql, { role: reader.role, kind: "reader" });
  expect(answer).toEqual({ outcome: "applied" });
  expect(await errorOf(reader.sql`select r from vmstate.api_instance as r`)).toBeUndefined();
});

test("VM001 for nulls and for a role that does not exist", async () => {
  const { role: p_role } = await actors.create("valid", []);
  const no = (argument: string, a: Record<string, string | null>, detail: RegExp): Promise<void> =>
    expectInvalid(sql, "grant_access", a, argument, detail);
  await no("p_role", { p_role: null, p_kind: "reader" }, /null/);
  await no("p_kind", { p_role, p_kind: null }, /null/);
  await no("p_role", { p_role: "vmstate_test_nobody", p_kind: "reader" }, /"vmstate_test_nobody"/);
  await no("p_role", { p_role: "public", p_kind: "reader" }, /"public"/);
  const unknown = errorOf(sql`select vmstate.grant_access(${p_role}, 'owner')`);
  expect(await unknown).toMatchObject({ code: "22P02" });
});

test("a session cannot report after its rights are revoked by hand", async () => {
  const { role, sql: login } = await actors.create("former", ["sled_agent"]);
  const report = {
    instanceId: role,
    propolisId: role,
    state: "running",
    generation: 2,
    time: new Date(),
  } as const;
  expect(await errorOf(reportVmm(login, report))).toMatchObject({ code: "22P02" });
  await sql.unsafe(
    `revoke all on all functions in schema vmstate from ${role}; revoke all on schema vmstate from ${role}`,
  );
  expect(await errorOf(login`select vmstate.report_vmms('[]')`)).toMatchObject({ code: "42501" });
});
