import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compareCatalogs, type Difference } from "../../src/schema/drift/compare.js";
import { type CatalogObject, readCatalog } from "../../src/schema/drift/read.js";
import { readSources } from "../../src/schema/sources.js";
import { createDatabase, createEmptyDatabase, type TestDatabase } from "../support/database.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SQL = `${ROOT}sql/`;

let migrated: TestDatabase;
let loaded: TestDatabase;
let catalog: CatalogObject[];
beforeAll(async () => {
  [migrated, loaded] = await Promise.all([createDatabase(), createEmptyDatabase()]);
  const sources = await readSources(ROOT);
  await loaded.sql.begin(async (sql) => {
    for (const { text } of sources) await sql.unsafe(text);
  });
  catalog = await readCatalog(migrated.sql);
});
afterAll(() => Promise.all([migrated.drop(), loaded.drop()]));

describe("sql/", () => {
  it("makes the same catalog as the migrations", async () => {
    expect(catalog.length).toBeGreaterThan(400);
    const comparison = compareCatalogs(catalog, await readCatalog(loaded.sql));
    expect(comparison).toEqual({ differences: [], warnings: [] });
  });

  it("has each of its files in the load order, once", async () => {
    const files = readdirSync(SQL, { recursive: true, encoding: "utf8" }).filter((file) =>
      file.endsWith(".sql"),
    );
    expect((await readSources(ROOT)).map(({ file }) => file).sort()).toEqual(
      files.map((file) => file.replaceAll("\\", "/")).sort(),
    );
  });
});

class RolledBack extends Error {}

function lineOf(difference: Difference): string {
  const { difference: what, kind, name } = difference;
  if (difference.difference !== "changed") return `${what} ${kind} ${name}`;
  const { property, expected, actual } = difference;
  return `${kind} ${name}: ${property} ${expected ?? "none"} -> ${actual ?? "none"}`;
}

describe("the comparison finds", () => {
  const body = (name: string): string => `(select pg_get_functiondef('vmstate.${name}'::regproc))`;
  /** Replaces a part of a function's definition. */
  const alter = (name: string, from: string, to: string): string =>
    `do $do$ begin execute replace(${body(name)}, $a$${from}$a$, $b$${to}$b$); end $do$`;

  it.each([
    [
      "another label of an enum",
      "alter type vmstate.outcome add value 'late'",
      /^type vmstate\.outcome: labels .* -> .*late/,
    ],
    [
      "labels in another order",
      "alter type vmstate.outcome add value 'late' before 'gone'",
      /^type vmstate\.outcome: labels .* -> .*late, gone/,
    ],
    [
      "a renamed label",
      "alter type vmstate.outcome rename value 'gone' to 'late'",
      /^type vmstate\.outcome: labels .* -> .*late, not_found/,
    ],
    [
      "another type of an attribute",
      "alter type vmstate.vmm_result alter attribute reason type varchar",
      /^column vmstate\.vmm_result\.reason: type text -> character varying$/,
    ],
    [
      "another attribute",
      "alter type vmstate.vmm_result add attribute extra text",
      /^unexpected column vmstate\.vmm_result\.extra$/,
    ],
    [
      "a domain without its check",
      "alter domain vmstate.port drop constraint between_0_and_65535",
      /^missing constraint between_0_and_65535 on vmstate\.port$/,
    ],
    [
      "another check of a domain",
      "alter domain vmstate.port add constraint odd check (value % 2 = 1)",
      /^unexpected constraint odd on vmstate\.port$/,
    ],
    [
      "a domain that must not be null",
      "alter domain vmstate.port set not null",
      /^type vmstate\.port: not null none -> true$/,
    ],
    [
      "another type of a column",
      "alter table vmstate.sled_agent_binding alter sled_id type text",
      /^column vmstate\.sled_agent_binding\.sled_id: type uuid -> text/,
    ],
    [
      "another default",
      "alter table vmstate.vmm alter propolis_port set default 1",
      /^column vmstate\.vmm\.propolis_port: default 12400 -> 1$/,
    ],
    [
      "a column that may be null",
      "alter table vmstate.vmm alter saga_id drop not null",
      /^column vmstate\.vmm\.saga_id: not null true -> none$/,
    ],
    ["another column", "alter table vmstate.vmm add extra text", /^unexpected column vmstate\.vmm\.extra$/],
    [
      "another fillfactor",
      "alter table vmstate.vmm set (fillfactor = 71)",
      /^table vmstate\.vmm: fillfactor 70 -> 71$/,
    ],
    [
      "a missing constraint",
      "alter table vmstate.instance drop constraint committed_by_a_past_updater",
      /^missing constraint committed_by_a_past_updater on vmstate\.instance$/,
    ],
    [
      "a constraint that was not validated",
      `alter table vmstate.instance drop constraint cooldown_is_not_negative,
        add constraint cooldown_is_not_negative check (auto_restart_cooldown >= interval '0') not valid`,
      /^constraint cooldown_is_not_negative on vmstate\.instance: is none -> not validated$/,
    ],
    [
      "a foreign key that cascades",
      `alter table vmstate.instance drop constraint migration_is_its_own, add constraint migration_is_its_own
        foreign key (id, migration_id) references vmstate.migration (instance_id, id) on delete cascade`,
      /^constraint migration_is_its_own .* -> .*ON DELETE CASCADE$/,
    ],
    ["a missing index", "drop index vmstate.vmm_on_sled", /^missing index vmstate\.vmm_on_sled$/],
    [
      "an index over other rows",
      "drop index vmstate.vmm_on_sled; create index vmm_on_sled on vmstate.vmm (sled_id)",
      /^index vmstate\.vmm_on_sled/,
    ],
    [
      "another view",
      "create or replace view vmstate.abandoned_vmm as select instance_id, id as propolis_id, sled_id, state, time_unlinked, time_created as since from vmstate.vmm",
      /^view vmstate\.abandoned_vmm/,
    ],
    [
      "a view with the rights of its caller",
      "alter view vmstate.api_vmm set (security_invoker)",
      /^view vmstate\.api_vmm: security_invoker none -> true$/,
    ],
    [
      "another body",
      alter("report_vmm", "EXIT WHEN FOUND", "EXIT WHEN NOT FOUND"),
      /^function .*report_vmm\(/,
    ],
    [
      "a body with another comment in it",
      alter("report_vmm", "-- The outcome applied", "-- An outcome applied"),
      /^function/,
    ],
    [
      "a function without its search_path",
      "alter function vmstate.report_vmm reset search_path",
      /^function .*report_vmm\(/,
    ],
    [
      "a function with the rights of its caller",
      "alter function vmstate.report_vmm security invoker",
      /^function/,
    ],
    ["another volatility", "alter function vmstate.is_absorbing volatile", /^function .*is_absorbing\(/],
    ["another cost", "alter function vmstate.is_absorbing cost 5000", /^function .*is_absorbing\(/],
    [
      "another default of an argument",
      alter("fail_vmm", "DEFAULT NULL", "DEFAULT 1"),
      /^function .*fail_vmm\(/,
    ],
    [
      "an overload of a function",
      "create function vmstate.is_absorbing() returns int return 1",
      /is_absorbing\(\)/,
    ],
    [
      "a missing trigger",
      "drop trigger guard_link on vmstate.vmm",
      /^missing trigger guard_link on vmstate\.vmm$/,
    ],
    [
      "a disabled trigger",
      "alter table vmstate.vmm disable trigger guard_link",
      /^trigger guard_link on vmstate\.vmm: is none -> switched off$/,
    ],
    [
      "another comment on a function",
      "comment on function vmstate.report_vmm is 'x'",
      /^function vmstate\.report_vmm\(.*: comment .* -> x$/s,
    ],
    [
      "a missing comment on a column",
      "comment on column vmstate.vmm.saga_id is null",
      /^column vmstate\.vmm\.saga_id: comment .* -> none$/s,
    ],
    [
      "a function that PUBLIC may call",
      "grant execute on function vmstate.report_vmm to public",
      /^function vmstate\.report_vmm\(.*: PUBLIC may none -> EXECUTE$/,
    ],
    [
      "a table that PUBLIC may read",
      "grant select on vmstate.vmm to public",
      /^table vmstate\.vmm: PUBLIC may none -> SELECT$/,
    ],
    [
      "a column that PUBLIC may change",
      "grant update (name) on vmstate.instance to public",
      /^column vmstate\.instance\.name: PUBLIC may none -> UPDATE$/,
    ],
    [
      "a schema that PUBLIC may use",
      "grant usage on schema vmstate to public",
      /^schema vmstate: PUBLIC may none -> USAGE$/,
    ],
    [
      "another owner",
      "alter table vmstate.vmm owner to pg_database_owner",
      /^table vmstate\.vmm: owner none -> pg_database_owner$/,
    ],
    [
      "a role that writes a table",
      "create role vmstate_test_writer; grant insert on vmstate.vmm to vmstate_test_writer",
      /^table vmstate\.vmm: others may none -> INSERT to vmstate_test_writer$/,
    ],
    [
      "a foreign key with disabled triggers",
      "alter table vmstate.vmm disable trigger all",
      /^constraint vmm_instance_id_fkey on vmstate\.vmm: is none -> switched off$/,
    ],
    [
      "another rule",
      "create rule extra as on update to vmstate.vmm do also select 1",
      /^unexpected rule extra on vmstate\.vmm$/,
    ],
    ["another policy", "create policy extra on vmstate.vmm", /^unexpected policy extra on vmstate\.vmm$/],
    [
      "row security",
      "alter table vmstate.vmm enable row level security",
      /^table vmstate\.vmm: row security none -> true$/,
    ],
    ["another table", "create table vmstate.extra ()", /^unexpected table vmstate\.extra$/],
    ["another sequence", "create sequence vmstate.extra", /^unexpected sequence vmstate\.extra$/],
    [
      "another operator",
      "create operator vmstate.=== (function = uuid_eq, leftarg = uuid, rightarg = uuid)",
      /^unexpected object operator vmstate\.===/,
    ],
  ])("%s", async (_, ddl, fact) => {
    await expect(
      migrated.sql.begin(async (sql) => {
        await sql.unsafe(ddl);
        const { differences } = compareCatalogs(catalog, await readCatalog(sql));
        const found = differences.map(lineOf);
        expect(found.filter((line) => fact.test(line))).not.toEqual([]);
        throw new RolledBack();
      }),
    ).rejects.toThrow(RolledBack);
  });
});

describe("in schema vmstate", () => {
  /** The names that a query finds; there should be none. */
  const none = async (query: postgres.PendingQuery<postgres.Row[]>): Promise<void> => {
    expect((await query).map(({ name }) => name as unknown)).toEqual([]);
  };

  it("every function, type, table and view has a comment", async () => {
    const { sql } = migrated;
    await none(sql`
      select 'function ' || proname as name from pg_proc
        where pronamespace = 'vmstate'::regnamespace and obj_description(oid, 'pg_proc') is null
      union all
      select 'type ' || typname from pg_type as t
        where typnamespace = 'vmstate'::regnamespace and obj_description(t.oid, 'pg_type') is null
          and typelem = 0 and not exists (select from pg_class as c where c.reltype = t.oid and relkind <> 'c')
      union all
      select 'relation ' || relname from pg_class
        where relnamespace = 'vmstate'::regnamespace and relkind in ('r', 'v', 'm') and relname <> 'pgmigrations'
          and obj_description(oid, 'pg_class') is null`);
  });

  it("every PL/pgSQL function has an empty search_path, and every SQL function a parsed body", async () => {
    await none(migrated.sql`
      select proname as name from pg_proc join pg_language as l on l.oid = prolang
        where pronamespace = 'vmstate'::regnamespace and case lanname
          when 'plpgsql' then coalesce('search_path=""' <> all (proconfig), true)
          when 'sql' then prosqlbody is null
          else true end`);
  });

  it("every verb of the control plane and the update saga sets plan_cache_mode = force_generic_plan", async () => {
    await none(migrated.sql`
      select proname as name from pg_proc
        where pronamespace = 'vmstate'::regnamespace and prosecdef and prorettype <> 'trigger'::regtype
          and proname !~ '^(report_vmms?|report_vmm_batch|fail_vmm|fail_sled|fail_sled_vmms|purge|maintain_history)$'
          and coalesce('plan_cache_mode=force_generic_plan' <> all (proconfig), true)`);
  });

  it("every PL/pgSQL body names types with their schema, so that no temporary type of a caller comes first", async () => {
    await none(migrated.sql`
      select distinct format('%s in %s', m[1], proname) as name
        from pg_proc join pg_language as l on l.oid = prolang
        cross join lateral regexp_matches(prosrc, '(?:::|\\mv_\\w+ )([a-z]\\w*)(?![\\w.])', 'g') as m
        where pronamespace = 'vmstate'::regnamespace and lanname = 'plpgsql'
          and m[1] in (select typname from pg_type)
          and m[1] not in (select word from pg_get_keywords() where catcode in ('C', 'R', 'T'))`);
  });

  it("PUBLIC has no right but USAGE of types", async () => {
    await none(migrated.sql`
      select 'function ' || proname as name from pg_proc
        where pronamespace = 'vmstate'::regnamespace and has_function_privilege('public', oid, 'execute')
      union all
      select 'relation ' || relname from pg_class
        where relnamespace = 'vmstate'::regnamespace and relkind in ('r', 'v', 'm', 'S')
          and case when relkind = 'S' then has_sequence_privilege('public', oid, 'usage')
            else has_any_column_privilege('public', oid, 'select, insert, update') or has_table_privilege('public', oid, 'delete, truncate') end
      union all
      select 'schema' where has_schema_privilege('public', 'vmstate', 'usage, create')`);
  });

  it("no function is overloaded", async () => {
    await none(migrated.sql`
      select proname as name from pg_proc where pronamespace = 'vmstate'::regnamespace group by proname having count(*) > 1`);
  });
});
