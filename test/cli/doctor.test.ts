import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { restate } from "../../src/schema/drift/restate.js";
import { SCHEMA_NUMBER } from "../../src/client/generated.js";
import { grantAccess } from "../../src/index.js";
import { findDrift } from "../../src/schema/index.js";
import { createDatabase, createEmptyDatabase, type TestDatabase } from "../support/database.js";
import { compareFacts, readFacts } from "../support/catalog-facts.js";
import { Actors } from "../sql/access/actors.js";
import { type Run, runCli } from "./run-cli.js";

let db: TestDatabase;
beforeEach(async () => {
  db = await createDatabase();
});
afterEach(() => db.drop());

const doctor = (...args: string[]): Promise<Run> => runCli("doctor", "--database-url", db.url, ...args);
const HEALTHY: Run = { code: 0, stdout: "the schema is as this vmstate makes it\n", stderr: "" };

/** Runs doctor, which has to find differences; returns the lines that it prints. */
async function drift(): Promise<string[]> {
  const { code, stdout, stderr } = await doctor();
  const lines = stdout.trimEnd().split("\n");
  const count = lines.filter((line) => !line.startsWith(" ")).length;
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: `vmstate: ${count} ${count === 1 ? "difference" : "differences"} from the schema that this vmstate makes\n`,
  });
  expect(lines.filter((line) => line.length > 80 || line.endsWith(" "))).toEqual([]);
  return lines;
}

/** What users add to the schema, with functions and tables of theirs in another one. */
const USERS_OBJECTS = `
  create table public.project (id uuid primary key);
  create function public.note() returns trigger language plpgsql as 'begin return new; end';
  create function public.shout(text) returns text immutable language sql as 'select upper($1)';
  create table public.disk (instance_id uuid references vmstate.instance on delete cascade);
  create view public.named as select * from vmstate.api_instance;
  create index by_name on vmstate.instance (public.shout(name));
  create unique index name_is_unique on vmstate.instance (name, id);
  create trigger audit after update on vmstate.instance for each row execute function public.note();
  alter table vmstate.instance add foreign key (project_id) references public.project, add check (name <> 'x');
  alter table vmstate.vmm add note text default public.shout('a'), add n int generated always as identity;
  create view vmstate.shouted as select public.shout(name) from vmstate.instance;
  create materialized view vmstate.names as select public.shout(name) from vmstate.instance;
  create table vmstate.theirs (id serial primary key, a text check (public.shout(a) = a))`;

describe("doctor", () => {
  it("succeeds for a migrated database, and changes nothing", async () => {
    const before = await readFacts(db.sql);
    const schemas = await db.sql`select nspname from pg_namespace order by nspname`;
    expect(await doctor()).toEqual(HEALTHY);
    expect(await doctor("--json")).toEqual({ code: 0, stdout: "[]\n", stderr: "" });
    expect(await readFacts(db.sql)).toEqual(before);
    expect(await db.sql`select nspname from pg_namespace order by nspname`).toEqual(schemas);
  });

  it("names every missing, unexpected and changed object", async () => {
    await db.sql.unsafe(`
      drop index vmstate.vmm_on_sled;
      alter table vmstate.vmm add extra text not null, alter propolis_port set default 1, disable trigger guard_link;
      alter function vmstate.is_absorbing volatile;
      comment on type vmstate.outcome is null;
      comment on column vmstate.vmm.state is 'A state.'`);
    expect(await drift()).toEqual([
      "missing     index vmstate.vmm_on_sled",
      "unexpected  column vmstate.vmm.extra",
      "changed     column vmstate.vmm.propolis_port",
      "  default",
      "    expected  12400",
      "    actual    1",
      "changed     column vmstate.vmm.state",
      "  comment",
      "    expected  (none)",
      "    actual    A state.",
      "changed     function vmstate.is_absorbing(vmstate.vmm_state)",
      "  volatility",
      "    expected  immutable",
      "    actual    volatile",
      "changed     trigger guard_link on vmstate.vmm",
      "  is",
      "    expected  (none)",
      "    actual    switched off",
      "changed     type vmstate.outcome",
      "  comment, line 1",
      "    expected  Says what became of a call.",
      "    actual    (none)",
    ]);
  });

  it("shows the line in which a function body differs", async () => {
    const alter = (from: string, to: string): Promise<unknown> =>
      db.sql.unsafe(`do $do$ begin execute replace(
        pg_get_functiondef('vmstate.require_role'::regproc), $a$${from}$a$, $b$${to}$b$); end $do$`);
    await alter("rolname = p_role", "rolname <> p_role");
    expect(await drift()).toEqual([
      "changed     function vmstate.require_role(text,name)",
      "  body, line 6",
      "    expected  …S r WHERE r.rolname = p_role) THEN",
      "    actual    …S r WHERE r.rolname <> p_role) THEN",
    ]);
    await alter("rolname <> p_role", "rolname = p_role");
    await alter("END;\n$function$", "END;\n-- the end\n$function$");
    expect((await drift()).slice(1)).toEqual(["  body, line 10", "    expected", "    actual    -- the end"]);
  });

  it("prints JSON with --json", async () => {
    await db.sql`alter table vmstate.vmm alter propolis_port set default 1`;
    const { code, stdout } = await doctor("--json");
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual([
      {
        difference: "changed",
        kind: "column",
        name: "vmstate.vmm.propolis_port",
        property: "default",
        expected: "12400",
        actual: "1",
      },
    ]);
  });

  it("succeeds with warnings for options that an operator added for the planner and autovacuum", async () => {
    await db.sql.unsafe(`
      alter table vmstate.vmm set (autovacuum_vacuum_scale_factor = 0.01, toast.autovacuum_enabled = false);
      alter table vmstate.vmm alter state set statistics 500, alter sled_id set (n_distinct = 2500);
      create statistics vmstate.extra on sled_id, state from vmstate.vmm`);
    const { code, stdout, stderr } = await doctor();
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.trimEnd().split("\n")).toEqual([
      "warning     column vmstate.vmm.sled_id",
      "  n_distinct was added",
      "    actual    2500",
      "warning     column vmstate.vmm.state",
      "  statistics target was added",
      "    actual    500",
      "warning     table vmstate.vmm",
      "  autovacuum_vacuum_scale_factor was added",
      "    actual    0.01",
      "warning     table vmstate.vmm",
      "  toast.autovacuum_enabled was added",
      "    actual    false",
      "warning     statistics vmstate.extra was added",
      "the schema is as this vmstate makes it; warnings: 5",
    ]);
    expect(await findDrift(db.sql)).toEqual([]);
  });

  it.each([
    ["set (fillfactor = 100)", "    actual    100"],
    ["reset (fillfactor)", "    actual    (none)"],
  ])(
    "fails when an option that vmstate set is changed: %s; differences come before warnings",
    async (action, actual) => {
      await db.sql.unsafe(`
      alter table vmstate.vmm ${action};
      alter table vmstate.instance set (autovacuum_enabled = off)`);
      const { code, stdout, stderr } = await doctor();
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: "vmstate: 1 difference from the schema that this vmstate makes\n",
      });
      expect(stdout.trimEnd().split("\n")).toEqual([
        "changed     table vmstate.vmm",
        "  fillfactor",
        "    expected  70",
        actual,
        "warning     table vmstate.instance",
        "  autovacuum_enabled was added",
        "    actual    off",
      ]);
    },
  );

  it("succeeds with warnings for what a user added, also where it uses objects of other schemas", async () => {
    await db.sql.unsafe(USERS_OBJECTS);
    const { code, stdout, stderr } = await doctor();
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.trimEnd().split("\n")).toEqual([
      "warning     column vmstate.vmm.n was added",
      "warning     column vmstate.vmm.note was added",
      "warning     constraint instance_name_check on vmstate.instance was added",
      "warning     constraint instance_project_id_fkey on vmstate.instance was added",
      "warning     index vmstate.by_name was added",
      "warning     index vmstate.name_is_unique was added",
      "warning     materialized view vmstate.names was added",
      "warning     table vmstate.theirs was added",
      "warning     trigger audit on vmstate.instance was added",
      "warning     view vmstate.shouted was added",
      "the schema is as this vmstate makes it; warnings: 10",
    ]);
    expect(await findDrift(db.sql)).toEqual([]);
  });

  it.each([
    ["alter table vmstate.vmm add must int not null", "unexpected  column vmstate.vmm.must"],
    [
      "create function vmstate.is_absorbing(text) returns int language sql as 'select 1'",
      "unexpected  function vmstate.is_absorbing(text)",
    ],
    [
      "create rule logged as on update to vmstate.instance do also select 1",
      "unexpected  rule logged on vmstate.instance",
    ],
    ["create policy own on vmstate.instance", "unexpected  policy own on vmstate.instance"],
    ["create sequence vmstate.numbers", "unexpected  sequence vmstate.numbers"],
  ])(
    "fails for what may change what the verbs do, beside what is only added: %s",
    async (statement, line) => {
      await db.sql.unsafe(USERS_OBJECTS);
      await db.sql.unsafe(statement);
      const { code, stdout } = await doctor();
      expect({ code, first: stdout.split("\n")[0] }).toEqual({ code: 1, first: line });
      expect(stdout.match(/^(unexpected|changed|missing)/gm)).toHaveLength(1);
    },
  );

  it("prints warnings as added with --json", async () => {
    await db.sql`alter table vmstate.vmm alter sled_id set (n_distinct = 2500)`;
    const { code, stdout } = await doctor("--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual([
      {
        difference: "added",
        kind: "column",
        name: "vmstate.vmm.sled_id",
        property: "n_distinct",
        actual: "2500",
      },
    ]);
  });

  it("lists the exit codes with --help", async () => {
    const { code, stdout } = await runCli("doctor", "--help");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Exit codes:\n {2}0 .*warnings\n {2}1 .*\n {2}2 /m);
  });

  it("succeeds when the server prints restored definitions differently, and still finds real differences", async () => {
    const before = await readFacts(db.sql);
    await db.sql.begin(async (sql) => {
      await sql`set local search_path = ''`;
      await restate(sql, "vmstate");
    });
    expect(compareFacts(before, await readFacts(db.sql)).onlyInFirst.length).toBeGreaterThan(1);
    expect(await doctor()).toEqual(HEALTHY);
    await db.sql.unsafe(`do $do$ begin execute replace(
      pg_get_functiondef('vmstate.can_unwind'::regproc), 'IMMUTABLE', 'STABLE'); end $do$`);
    await db.sql.unsafe(`do $do$ begin execute replace(
      'create or replace view vmstate.watched_vmm as ' || pg_get_viewdef('vmstate.watched_vmm'::regclass), 'v.sled_id,', 'v.saga_id as sled_id,'); end $do$`);
    expect((await drift()).filter((line) => !line.startsWith(" "))).toEqual([
      expect.stringMatching(/^changed {5}function vmstate\.can_unwind\(/),
      "changed     view vmstate.watched_vmm",
    ]);
  });

  it("names missing tables and views, and not their columns", async () => {
    await db.sql`drop table vmstate.schema_change cascade`;
    await db.sql`drop table vmstate.instance cascade`;
    const lines = await drift();
    expect(lines).toContain("missing     table vmstate.instance");
    expect(lines).toContain("missing     table vmstate.schema_change");
    expect(lines).toContain("missing     view vmstate.api_instance");
    expect(lines.join("\n")).not.toMatch("column vmstate.instance");
  });

  it("compares a schema without records as if it were of this version", async () => {
    await db.sql`delete from vmstate.schema_change`;
    expect(await doctor()).toEqual(HEALTHY);
  });

  it.each([
    [-1, "older", "run `vmstate migrate`"],
    [1, "newer", "use the release that has it"],
  ])("refuses a database of another version (%i)", async (by, word, advice) => {
    const number = SCHEMA_NUMBER + by;
    await db.sql`delete from vmstate.schema_change`;
    await db.sql`insert into vmstate.schema_change (number, name, is_breaking) values (${number}, ${word}, false)`;
    expect(await doctor()).toEqual({
      code: 1,
      stdout: "",
      stderr: `vmstate: this database is at ${word}, this vmstate at migration ${SCHEMA_NUMBER}: ${advice}\n`,
    });
  });

  it("says that the database has no schema vmstate", async () => {
    await using empty = await createEmptyDatabase();
    expect(await runCli("doctor", "--database-url", empty.url)).toEqual({
      code: 1,
      stdout: "",
      stderr: "vmstate: this database has no schema vmstate: run `vmstate migrate`\n",
    });
  });

  it("gives up on a locked table instead of waiting, and blocks no writer", async () => {
    await db.sql.begin(async (other) => {
      await other`lock vmstate.vmm in row exclusive mode`;
      expect(await doctor()).toEqual(HEALTHY);
      await other`lock vmstate.vmm in access exclusive mode`;
      expect(await doctor()).toEqual({
        code: 1,
        stdout: "",
        stderr: "vmstate: another session holds a lock that it did not release in time\n",
      });
    });
  });
});

describe("rights in doctor", () => {
  let actors: Actors;
  let own: TestDatabase;
  beforeAll(async () => {
    own = await createDatabase();
    actors = new Actors(own);
  });
  afterAll(async () => {
    await actors[Symbol.asyncDispose]();
    await own.drop();
  });

  it("are a difference if PUBLIC has them or they allow writing, not if grant_access gave them or they only allow reading and foreign keys", async () => {
    db = own;
    const { role } = await actors.create("operator", []);
    for (const kind of ["control_plane", "sled_agent", "reader"] as const)
      await grantAccess(own.sql, { role, kind });
    await own.sql.unsafe(`grant select on all tables in schema vmstate to ${role};
      grant references (id) on vmstate.instance to ${role}`);
    expect(await doctor()).toEqual(HEALTHY);
    await own.sql
      .unsafe(`grant delete on vmstate.vmm to ${role}; grant update (name) on vmstate.instance to ${role};
      grant select on vmstate.api_vmm to public; grant create on schema vmstate to ${role}`);
    const lines = await drift();
    expect(lines.filter((line) => !line.startsWith("    expected"))).toEqual([
      "changed     column vmstate.instance.name",
      "  others may",
      `    actual    UPDATE to ${role}`,
      "changed     schema vmstate",
      "  others may",
      `    actual    CREATE to ${role}`,
      "changed     table vmstate.vmm",
      "  others may",
      `    actual    DELETE to ${role}`,
      "changed     view vmstate.api_vmm",
      "  PUBLIC may",
      "    actual    SELECT",
    ]);
    db = await createDatabase();
  });

  it("include CREATE on the database, which the error names", async () => {
    const role = `vmstate_test_doctor_${randomBytes(6).toString("hex")}`;
    await own.sql.unsafe(`create role ${role} login password 'secret'`);
    await grantAccess(own.sql, { role, kind: "reader" });
    await own.sql.unsafe(`grant select on vmstate.schema_change to ${role}`);
    const url = Object.assign(new URL(own.url), { username: role, password: "secret" }).href;
    expect(await runCli("doctor", "--database-url", url)).toEqual({
      code: 1,
      stdout: "",
      stderr:
        "vmstate: this role lacks CREATE on the database, which the comparison needs: it builds the expected schema beside the live one, and rolls back\n",
    });
    await own.sql.unsafe(`drop owned by ${role}; drop role ${role}`);
  });
});
