import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compareFacts, readFacts } from "./facts.js";
import { loadOrder } from "./generate/migration.js";
import { createDatabase, createEmptyDatabase, type TestDatabase } from "./harness/database.js";

const SQL = fileURLToPath(new URL("../sql/", import.meta.url));
const MIGRATIONS = fileURLToPath(new URL("../migrations/", import.meta.url));

let migrated: TestDatabase;
let loaded: TestDatabase;
let facts: string[];
beforeAll(async () => {
  [migrated, loaded] = await Promise.all([createDatabase(), createEmptyDatabase()]);
  const files = await loadOrder(SQL);
  await loaded.sql.begin(async (sql) => {
    for (const file of files) await sql.unsafe(readFileSync(SQL + file, "utf8"));
  });
  facts = await readFacts(migrated.sql);
});
afterAll(() => Promise.all([migrated.drop(), loaded.drop()]));

describe("sql/", () => {
  it("makes what the migrations make", async () => {
    expect(facts.length).toBeGreaterThan(500);
    expect(compareFacts(facts, await readFacts(loaded.sql))).toEqual({ onlyInFirst: [], onlyInSecond: [] });
  });

  it("has each of its files in the load order, once", async () => {
    const files = readdirSync(SQL, { recursive: true, encoding: "utf8" }).filter((file) =>
      file.endsWith(".sql"),
    );
    expect((await loadOrder(SQL)).sort()).toEqual(files.map((file) => file.replaceAll("\\", "/")).sort());
  });

  it("and the migrations contain no comment that node-pg-migrate takes for a marker", () => {
    const texts = [
      ...readdirSync(SQL, { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(".sql"))
        .map((file) => SQL + file),
      ...readdirSync(MIGRATIONS).map((file) => MIGRATIONS + file),
    ].map((path) => [path, readFileSync(path, "utf8")] as const);
    expect(
      texts.filter(([, text]) => /^\s*--[\s-]*(up|down)\s+migration/im.test(text)).map(([path]) => path),
    ).toEqual([]);
  });
});

class RolledBack extends Error {}

describe("the comparison finds", () => {
  const body = (name: string): string => `(select pg_get_functiondef('vmstate.${name}'::regproc))`;
  /** Replaces a part of a function's definition. */
  const alter = (name: string, from: string, to: string): string =>
    `do $do$ begin execute replace(${body(name)}, $a$${from}$a$, $b$${to}$b$); end $do$`;

  it.each([
    ["another label of an enum", "alter type vmstate.outcome add value 'late'", /^enum vmstate\.outcome/],
    ["labels in another order", "alter type vmstate.outcome add value 'late' before 'gone'", /late, gone/],
    ["another name of a label", "alter type vmstate.outcome rename value 'gone' to 'late'", /^enum/],
    [
      "another type of an attribute",
      "alter type vmstate.vmm_result alter attribute reason type varchar",
      /^column vmstate\.vmm_result .* reason: character varying/,
    ],
    ["another attribute", "alter type vmstate.vmm_result add attribute extra text", /extra: text/],
    [
      "a domain without its check",
      "alter domain vmstate.port drop constraint between_0_and_65535",
      /^constraint between_0_and_65535/,
    ],
    [
      "another check of a domain",
      "alter domain vmstate.port add constraint odd check (value % 2 = 1)",
      /odd/,
    ],
    [
      "a domain that must not be null",
      "alter domain vmstate.port set not null",
      /^type vmstate\.port.* not null t/,
    ],
    [
      "another type of a column",
      "alter table vmstate.migration alter time_created type timestamptz(3)",
      /time_created: timestamp\(3\)/,
    ],
    ["another default", "alter table vmstate.vmm alter propolis_port set default 1", /default 1/],
    [
      "a column that may be null",
      "alter table vmstate.vmm alter saga_id drop not null",
      /saga_id: uuid, not null f/,
    ],
    ["another column", "alter table vmstate.vmm add extra text", /extra: text/],
    ["another fillfactor", "alter table vmstate.vmm set (fillfactor = 71)", /fillfactor=71/],
    [
      "a missing constraint",
      "alter table vmstate.instance drop constraint committed_by_a_past_updater",
      /^constraint committed/,
    ],
    [
      "a constraint that was not validated",
      `alter table vmstate.instance drop constraint cooldown_is_not_negative,
        add constraint cooldown_is_not_negative check (auto_restart_cooldown >= interval '0') not valid`,
      /validated f/,
    ],
    [
      "a foreign key that cascades",
      `alter table vmstate.instance drop constraint migration_is_its_own, add constraint migration_is_its_own
        foreign key (id, migration_id) references vmstate.migration (instance_id, id) on delete cascade`,
      /ON DELETE CASCADE/,
    ],
    ["a missing index", "drop index vmstate.vmm_on_sled", /^index vmstate\.vmm_on_sled/],
    [
      "an index over other rows",
      "drop index vmstate.vmm_on_sled; create index vmm_on_sled on vmstate.vmm (sled_id)",
      /^index vmstate\.vmm_on_sled/,
    ],
    [
      "another view",
      "create or replace view vmstate.abandoned_vmm as select instance_id, id as propolis_id, sled_id, state, time_unlinked from vmstate.vmm",
      /^view vmstate\.abandoned_vmm/,
    ],
    [
      "a view with the rights of its caller",
      "alter view vmstate.api_vmm set (security_invoker)",
      /security_invoker/,
    ],
    [
      "another body",
      alter("report_vmm", "EXIT WHEN FOUND", "EXIT WHEN NOT FOUND"),
      /^function .*report_vmm\(/,
    ],
    [
      "a body with another comment in it",
      alter("report_vmm", "-- applied here", "-- applied there"),
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
      "another function of that name",
      "create function vmstate.is_absorbing() returns int return 1",
      /is_absorbing\(\)/,
    ],
    ["a missing trigger", "drop trigger guard_link on vmstate.vmm", /^trigger guard_link/],
    ["a trigger that is switched off", "alter table vmstate.vmm disable trigger guard_link", /enabled D/],
    [
      "another comment on a function",
      "comment on function vmstate.report_vmm is 'x'",
      /^comment on function .*report_vmm/,
    ],
    [
      "a missing comment on a column",
      "comment on column vmstate.vmm.saga_id is null",
      /^comment on column saga_id/,
    ],
    [
      "a function that all may call",
      "grant execute on function vmstate.report_vmm to public",
      /^grant on .*report_vmm.*: =X/,
    ],
    ["a table that all may read", "grant select on vmstate.vmm to public", /^grant on vmstate\.vmm: =r/],
    [
      "a column that all may change",
      "grant update (name) on vmstate.instance to public",
      /vmstate\.instance\.name: =w/,
    ],
    ["a schema that all may use", "grant usage on schema vmstate to public", /^grant on schema: =U/],
    ["another owner", "alter table vmstate.vmm owner to pg_database_owner", /owner pg_database_owner/],
    ["another table", "create table vmstate.extra ()", /^object: table vmstate\.extra/],
    ["another sequence", "create sequence vmstate.extra", /^object: sequence vmstate\.extra/],
    [
      "another operator",
      "create operator vmstate.=== (function = uuid_eq, leftarg = uuid, rightarg = uuid)",
      /^object: operator/,
    ],
  ])("%s", async (_, ddl, fact) => {
    await expect(
      migrated.sql.begin(async (sql) => {
        await sql.unsafe(ddl);
        const { onlyInFirst, onlyInSecond } = compareFacts(facts, await readFacts(sql));
        const found = [...onlyInFirst, ...onlyInSecond];
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

  it("every PL/pgSQL function has an empty search_path, and every SQL function is parsed already", async () => {
    await none(migrated.sql`
      select proname as name from pg_proc join pg_language as l on l.oid = prolang
        where pronamespace = 'vmstate'::regnamespace and case lanname
          when 'plpgsql' then coalesce('search_path=""' <> all (proconfig), true)
          when 'sql' then prosqlbody is null
          else true end`);
  });

  it("every PL/pgSQL body names types with their schema: a caller's temporary type would come before a built-in one", async () => {
    await none(migrated.sql`
      select distinct format('%s in %s', m[1], proname) as name
        from pg_proc join pg_language as l on l.oid = prolang
        cross join lateral regexp_matches(prosrc, '(?:::|\\mv_\\w+ )([a-z]\\w*)(?![\\w.])', 'g') as m
        where pronamespace = 'vmstate'::regnamespace and lanname = 'plpgsql'
          and m[1] in (select typname from pg_type)
          and m[1] not in (select word from pg_get_keywords() where catcode in ('C', 'R', 'T'))`);
  });

  it("nothing is granted to PUBLIC but the use of types", async () => {
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

  it("no name has two functions", async () => {
    await none(migrated.sql`
      select proname as name from pg_proc where pronamespace = 'vmstate'::regnamespace group by proname having count(*) > 1`);
  });
});
