import type postgres from "postgres";
import type { Actor } from "./actors.js";

/** The message of what everything below raises. */
export const HOSTILE = "hostile code ran";

/** The operators that the bodies use, and of which types. */
const OPERATORS = ["=", "<>", "<", "<=", ">", ">=", "+", "||", "->", "->>"];
const TYPES = `{anyarray,anyenum,bigint,integer,interval,jsonb,name,record,text,timestamptz,uuid}`;

/**
 * Puts into the session of an actor whatever could stand for something built in: functions and operators in a schema
 * before pg_catalog, and temporary types and tables, which come first anyway.
 */
export async function makeHostile({ role, sql }: Actor, owner: postgres.Sql): Promise<void> {
  const statements = await owner<{ text: string }[]>`
    with operator as (
      select o.oid, o.oprname, o.oprleft, o.oprright, o.oprcode from pg_operator as o
        where o.oprname = any (${OPERATORS}) and o.oprleft = any (${TYPES}::regtype[])
    ),
    called as (
      select distinct m[1] as name
        from pg_proc as v cross join lateral regexp_matches(v.prosrc, '\\m(\\w+)\\(', 'g') as m
        where v.pronamespace = 'vmstate'::regnamespace
    ),
    function as (
      select p.oid, p.proname, pg_get_function_identity_arguments(p.oid) as arguments, pg_get_function_result(p.oid) as result
        from pg_proc as p
        where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind = 'f' and p.proargmodes is null
          and not (p.proargtypes::oid[] || p.prorettype) && array['"any"', 'cstring', 'internal']::regtype[]::oid[]
          and (p.proname in (select c.name from called as c) or p.oid in (select o.oprcode from operator as o))
    ),
    made (n, text) as (
      select 1, format('create function %I.%I(%s) returns %s language plpgsql as %L',
          ${role}::text, proname, arguments, result, ${raise(HOSTILE)}::text)
        from function
      union all
      select 2, format('create operator %1$I.%2$s (function = %1$I.%3$I, leftarg = %4$s, rightarg = %5$s)',
          ${role}::text, oprname, proname, oprleft::regtype, oprright::regtype)
        from operator join function on function.oid = oprcode
      union all
      select 3, format('create function pg_temp.is_hostile() returns boolean language plpgsql as %L', ${raise(HOSTILE)}::text)
      union all
      select 4, format('create domain pg_temp.%I as pg_catalog.%1$I check (pg_temp.is_hostile())', typname)
        from pg_type where typnamespace = 'pg_catalog'::regnamespace and typtype = 'b' and typelem = 0
      union all
      select 5, format('create temporary table %I ()', relname)
        from pg_class
        where relkind in ('r', 'v')
          and (relnamespace = 'vmstate'::regnamespace or oid in ('pg_catalog.pg_namespace'::regclass, 'pg_catalog.pg_roles'::regclass))
      union all
      select 6, format('set search_path = %I, pg_catalog', ${role}::text)
    )
    select text from made order by n`;
  await sql.unsafe(statements.map(({ text }) => text).join(";\n"));
}

function raise(message: string): string {
  return `begin raise exception '${message}'; end`;
}
