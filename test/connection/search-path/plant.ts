import type postgres from "postgres";

/** What each planted object says when it runs. */
export const PLANTED = "planted in public";

/**
 * Puts a namesake into `public` of everything in pg_catalog that a search_path can find: functions with the same arguments,
 * and with the types of vmstate in place of any type, operators, types and relations. Each fails when it is used.
 */
export async function plantHostile(sql: postgres.Sql): Promise<void> {
  await sql.begin(async (transaction) => {
    await transaction.unsafe(`
      set local search_path to pg_catalog;
      set local check_function_bodies to off;
      set local client_min_messages to error;`);
    for (const text of [FUNCTIONS, GENERIC, VARIADIC, OPERATORS, RELATIONS, TYPES])
      await transaction.unsafe(text);
  });
}

/** The body of a planted function, as a format string whose last argument is the name to report. */
const BODY = `language plpgsql as $b$ begin raise exception '${PLANTED}: %%', %L; end $b$`;

/** Aggregates and window functions too: as plain functions they are found first, and fail. */
const FUNCTIONS = `
  do $plant$ declare v record; begin
    for v in
      select p.proname, array_to_string(p.proargtypes::regtype[], ', ') as arguments, pg_get_function_result(p.oid) as result
      from pg_proc as p
      where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind in ('f', 'a') and p.provariadic = 0
        and not p.proargtypes::oid[] && array['internal', 'cstring', '"any"', 'trigger', 'event_trigger']::regtype[]::oid[]
        and not p.prorettype = any (array['internal', 'cstring', '"any"', 'trigger', 'event_trigger', 'language_handler',
          'fdw_handler', 'index_am_handler', 'tsm_handler', 'table_am_handler']::regtype[])
    loop
      begin
        execute format($f$create function public.%I (%s) returns %s ${BODY}$f$, v.proname, v.arguments, v.result, v.proname);
      exception when invalid_function_definition or feature_not_supported then null; -- only C can write it
      end;
    end loop;
  end $plant$`;

const GENERIC = `
  do $plant$ declare v record; begin
    for v in
      select n.name, t.oid::regtype as type
      from unnest(array['to_json', 'row_to_json', 'to_jsonb', 'json_agg', 'jsonb_agg', 'count', 'min', 'max', 'unnest',
        'enum_range', 'coalesce', 'array_agg', 'text', 'format']) as n (name)
      join pg_type as t on t.typnamespace = to_regnamespace('vmstate') and t.typtype in ('c', 'e', 'd', 'b')
    loop
      execute format($f$create or replace function public.%I (%s) returns text ${BODY}$f$, v.name, v.type, v.name);
    end loop;
  end $plant$`;

const VARIADIC = `
  do $plant$ declare v record; begin
    for v in
      select distinct p.proname, array_to_string(array_fill('text'::text, array[n]), ', ') as arguments
      from pg_proc as p cross join generate_series(1, 18) as n
      where p.pronamespace = 'pg_catalog'::regnamespace and p.provariadic = '"any"'::regtype
    loop
      execute format($f$create or replace function public.%I (%s) returns text ${BODY}$f$, v.proname, v.arguments, v.proname);
    end loop;
    for v in select t.oid::regtype as type from pg_type as t
      where t.typnamespace = to_regnamespace('vmstate') and t.typtype in ('c', 'e', 'd')
    loop
      execute format($f$create function public.json_build_object (text, %s) returns text ${BODY}$f$, v.type, 'json_build_object');
    end loop;
  end $plant$`;

const OPERATORS = `
  do $plant$ declare v record; begin
    for v in
      select o.oid, o.oprname, o.oprleft::regtype as l, o.oprright::regtype as r, o.oprresult::regtype as result
      from pg_operator as o
      where o.oprnamespace = 'pg_catalog'::regnamespace and o.oprkind = 'b'
        and not 'cstring'::regtype in (o.oprleft, o.oprright, o.oprresult)
    loop
      begin
        execute format($f$create function public.planted_%s (%s, %s) returns %s ${BODY}$f$, v.oid, v.l, v.r, v.result, v.oprname);
        execute format('create operator public.%s (leftarg = %s, rightarg = %s, function = public.planted_%s)', v.oprname, v.l, v.r, v.oid);
      exception when invalid_function_definition or feature_not_supported then null; -- of pseudo-types
      end;
    end loop;
  end $plant$`;

const RELATIONS = `
  do $plant$ declare v record; begin
    create function public.planted_relation () returns boolean language plpgsql as
      'begin raise exception ''${PLANTED}: a relation''; end';
    for v in
      select c.relname from pg_class as c
      where c.relnamespace = 'pg_catalog'::regnamespace and c.relkind in ('r', 'v')
    loop
      execute format('create view public.%I as select public.planted_relation() as planted', v.relname);
    end loop;
  end $plant$`;

/** Types to which texts are cast; the planted relations have made types of their own names. */
const TYPES = `
  create function public.planted_type (pg_catalog.text) returns pg_catalog.bool language plpgsql as
    'begin raise exception ''${PLANTED}: a type''; end';
  do $plant$ declare v record; begin
    for v in select unnest(array['text', 'uuid', 'timestamptz', 'json', 'jsonb', 'name', 'regclass', 'float8', 'int8', 'bool']) as name loop
      execute format('create domain public.%I as pg_catalog.%1$I check (public.planted_type(value::pg_catalog.text))', v.name);
    end loop;
  end $plant$`;
