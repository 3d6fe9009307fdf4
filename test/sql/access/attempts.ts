import type postgres from "postgres";
import { errorOf } from "./actors.js";

/** Something a role may try: one statement. */
export interface Attempt {
  /** Names it, for the report. */
  what: string;
  statement: string;
}

/** Every function of the schema, called with nulls. */
export async function calls(owner: postgres.Sql): Promise<(Attempt & { isPure: boolean })[]> {
  return await owner`
    select p.proname as what, l.lanname = 'sql' and p.provolatile = 'i' and not p.prosecdef as "isPure",
      format('select vmstate.%I(%s)', p.proname, (
        select string_agg(format('null::%s', t::regtype), ', ' order by n)
          from unnest(p.proargtypes::oid[]) with ordinality as a (t, n)
      )) as statement
    from pg_proc as p join pg_language as l on l.oid = p.prolang
    where p.pronamespace = 'vmstate'::regnamespace
    order by p.proname`;
}

/** Reading every table and view of the schema, whole and each of its columns. */
export async function reads(owner: postgres.Sql): Promise<Attempt[]> {
  return await owner`
    with relation as (
      select c.oid, c.relname from pg_class as c
        where c.relnamespace = 'vmstate'::regnamespace and c.relkind in ('r', 'v') and c.relname <> 'pgmigrations'
    )
    select relname as what, format('select r from vmstate.%I as r', relname) as statement from relation
    union all
    select format('%s.%s', relname, attname), format('select %I from vmstate.%I', attname, relname)
      from relation join pg_attribute on attrelid = relation.oid and attnum > 0 and not attisdropped
    union all
    select format('copy of %s', relname), format('copy (table vmstate.%I) to ''/dev/null''', relname) from relation
    order by what`;
}

/** An attempt that no role can make succeed: an insert into a view that is a join, a trigger of a kind that views do not have. */
const IMPOSSIBLE = ["0A000", "42809", "55000"];

/**
 * Lists statements that write to an object of the schema, change or replace an object, or switch triggers off.
 *
 * Each would succeed for the owner but for the rows and constraints: a statement that is itself wrong throws here.
 */
export async function changes(owner: postgres.Sql, home: string): Promise<Attempt[]> {
  const found = [];
  for (const attempt of await candidates(owner, home)) {
    const code = (await errorOf(tryOut(owner, attempt.statement)))?.code ?? "";
    if (IMPOSSIBLE.includes(code)) continue;
    if (code.startsWith("42")) throw new Error(`${code}, also for the owner: ${attempt.statement}`);
    found.push(attempt);
  }
  return found;
}

class RolledBack extends Error {}

async function tryOut(sql: postgres.Sql, statement: string): Promise<void> {
  try {
    await sql.begin(async (transaction) => {
      await transaction.unsafe(statement);
      throw new RolledBack();
    });
  } catch (error) {
    if (!(error instanceof RolledBack)) throw error;
  }
}

async function candidates(owner: postgres.Sql, home: string): Promise<Attempt[]> {
  const statements = await owner<{ statement: string }[]>`
    with relation as (
      select c.oid, c.relname, case c.relkind when 'r' then 'table' else 'view' end as kind
        from pg_class as c
        where c.relnamespace = 'vmstate'::regnamespace and c.relkind in ('r', 'v') and c.relname <> 'pgmigrations'
    ),
    attribute as (
      select relname, attname from relation join pg_attribute on attrelid = relation.oid and attnum > 0 and not attisdropped
    ),
    key as (
      select c.conrelid as oid, string_agg(format('%I %s', attname, atttypid::regtype), ', ') as columns,
          string_agg(quote_ident(attname), ', ') as names
        from pg_constraint as c join pg_attribute as a on a.attrelid = c.conrelid and a.attnum = any (c.conkey)
        where c.contype = 'p' group by c.conrelid, c.oid
    ),
    made (statement) as (
      select unnest(array[
          format('insert into vmstate.%I default values', relname),
          format('delete from vmstate.%I', relname),
          format('merge into vmstate.%1$I using (select) as s on true when matched then delete', relname),
          format('truncate vmstate.%I cascade', relname),
          format('do $$ begin lock vmstate.%I in row exclusive mode; end $$', relname),
          format('copy vmstate.%I from ''/dev/null''', relname),
          format('create trigger hostile before insert on vmstate.%I for each statement execute function %I.hostile()',
            relname, ${home}::text),
          format('create rule hostile as on insert to vmstate.%I do instead nothing', relname),
          format('alter %s vmstate.%I rename to hostile', kind, relname),
          format('alter %s vmstate.%I owner to current_user', kind, relname),
          format('comment on %s vmstate.%I is null', kind, relname),
          format('drop %s vmstate.%I cascade', kind, relname)
        ]) from relation
      union all
      select unnest(array[
          format('alter table vmstate.%I disable trigger all', relname),
          format('alter table vmstate.%I disable trigger user', relname),
          format('alter table vmstate.%I add column hostile int', relname),
          format('alter table vmstate.%I enable row level security', relname),
          format('create policy hostile on vmstate.%I', relname),
          format('create index on vmstate.%I ((1))', relname),
          format('create table %I.child () inherits (vmstate.%I)', ${home}::text, relname)
        ]) from relation where kind = 'table'
      union all
      select format('create table %I.child (%s, foreign key (%s) references vmstate.%I)', ${home}::text, columns, names, relname)
        from relation join key using (oid)
      union all
      select unnest(array[
          format('insert into vmstate.%I (%I) values (default)', relname, attname),
          format('update vmstate.%I set %I = default', relname, attname)
        ]) from attribute
      union all
      select unnest(array[
          format('alter function %s security invoker', oid::regprocedure),
          format('alter function %s set search_path = %I', oid::regprocedure, ${home}::text),
          format('drop function %s cascade', oid::regprocedure)
        ]) from pg_proc where pronamespace = 'vmstate'::regnamespace
      union all
      select unnest(array[
          format('alter type %s rename to hostile', oid::regtype),
          format('drop type %s cascade', oid::regtype)
        ]) from pg_type where typnamespace = 'vmstate'::regnamespace and typtype in ('e', 'd')
      union all
      select format('alter type %s add value %L', oid::regtype, 'hostile')
        from pg_type where typnamespace = 'vmstate'::regnamespace and typtype = 'e'
      union all
      select format('drop trigger %I on vmstate.%I', tgname, relname)
        from relation join pg_trigger on tgrelid = relation.oid and not tgisinternal
      union all
      select format('set role %I', pg_get_userbyid(nspowner)) from pg_namespace where nspname = 'vmstate'
      union all
      select format('set session authorization %I', pg_get_userbyid(nspowner)) from pg_namespace where nspname = 'vmstate'
      union all
      values
        ('create table vmstate.hostile ()'),
        ('create view vmstate.hostile as select'),
        ('create sequence vmstate.hostile'),
        ('create type vmstate.hostile as ()'),
        ('create domain vmstate.hostile as int'),
        ('create function vmstate.hostile() returns int return 1'),
        ('create or replace function vmstate.stuck_after() returns interval language sql as $$ select interval ''0'' $$'),
        ('create operator vmstate.=== (function = uuid_eq, leftarg = uuid, rightarg = uuid)'),
        ('alter schema vmstate rename to hostile'),
        ('drop schema vmstate cascade'),
        ('set session_replication_role = replica')
    )
    select statement from made order by statement`;
  return statements.map(({ statement }) => ({ what: statement, statement }));
}
