import type postgres from "postgres";

/**
 * Makes the objects of a schema anew from what the server says they are.
 *
 * A dump and its restoration do the same. It may write the same definition in another way.
 */
export async function restate(sql: postgres.ISql, schema: string): Promise<void> {
  const statements = await sql<{ statement: string }[]>`
    with relation as (
      select c.oid, c.relkind from pg_class as c where c.relnamespace = ${schema}::text::regnamespace
    )
    select format('create or replace view %s as %s', r.oid::regclass, pg_get_viewdef(r.oid)) as statement
      from relation as r where r.relkind = 'v'
    union all
    select pg_get_functiondef(p.oid) from pg_proc as p where p.pronamespace = ${schema}::text::regnamespace
    union all
    select replace(pg_get_triggerdef(t.oid), 'CREATE TRIGGER', 'CREATE OR REPLACE TRIGGER')
      from relation as r join pg_trigger as t on t.tgrelid = r.oid
      -- PostgreSQL makes those of a partition with those of its table
      where not t.tgisinternal and t.tgparentid = 0
    union all
    select format('alter table %s drop constraint %I, add constraint %2$I %3$s', r.oid::regclass, c.conname, pg_get_constraintdef(c.oid))
      from relation as r join pg_constraint as c on c.conrelid = r.oid where c.contype = 'c'
    union all
    select format('alter table %s alter %I set default %s', r.oid::regclass, a.attname, pg_get_expr(d.adbin, d.adrelid))
      from relation as r
      join pg_attrdef as d on d.adrelid = r.oid
      join pg_attribute as a on a.attrelid = r.oid and a.attnum = d.adnum
      where r.relkind = 'r'
    union all
    select format('drop index %s; %s', i.indexrelid::regclass, pg_get_indexdef(i.indexrelid))
      from relation as r join pg_index as i on i.indrelid = r.oid
      where num_nonnulls(i.indpred, i.indexprs) > 0 and not exists (select from pg_constraint as c where c.conindid = i.indexrelid)`;
  await sql.unsafe(statements.map(({ statement }) => statement).join(";\n"));
}
