import type postgres from "postgres";

/** What is in one catalog and not in the other, a line per fact. */
export interface Difference {
  onlyInFirst: string[];
  onlyInSecond: string[];
}

export function compareFacts(first: readonly string[], second: readonly string[]): Difference {
  const without = (some: readonly string[], others: readonly string[]): string[] => {
    const known = new Set(others);
    return some.filter((fact) => !known.has(fact));
  };
  return { onlyInFirst: without(first, second), onlyInSecond: without(second, first) };
}

/**
 * All that the catalog knows of schema `vmstate`, a line per fact, without the bookkeeping of the migrations. Two
 * databases with the same facts behave alike.
 */
export async function readFacts(sql: postgres.ISql): Promise<string[]> {
  const rows = await sql<{ fact: string }[]>`
    with
    object as (
      select d.classid, d.objid, pg_describe_object(d.classid, d.objid, 0) as name
        from pg_depend as d
        where d.refclassid = 'pg_namespace'::regclass and d.refobjid = 'vmstate'::regnamespace
    ),
    relation as (
      select c.*, c.oid::regclass as name from pg_class as c
        where c.relnamespace = 'vmstate'::regnamespace and c.relname not like 'pgmigrations%'
    ),
    type as (
      select t.*, t.oid::regtype as name from pg_type as t
        where t.typnamespace = 'vmstate'::regnamespace and t.typname not like '%pgmigrations%'
    ),
    function as (
      select p.*, p.oid::regprocedure as name from pg_proc as p where p.pronamespace = 'vmstate'::regnamespace
    ),
    con as (
      select c.*, coalesce(nullif(c.conrelid, 0)::regclass::text, c.contypid::regtype::text) as owner
        from pg_constraint as c
        where c.conrelid in (select oid from relation) or c.contypid in (select oid from type)
    ),
    trigger as (
      select t.*, t.tgrelid::regclass as name from pg_trigger as t
        where t.tgrelid in (select oid from relation) and not t.tgisinternal
    ),
    fact (fact) as (
      select format('object: %s', name) from object where name not like '%pgmigrations%'
      union all
      select format('schema: owner %s', nspowner::regrole) from pg_namespace where nspname = 'vmstate'

      union all
      select format('type %s: %s, base %s(%s), not null %s, default %s, collation %s, owner %s', name, typtype, typbasetype::regtype,
          typtypmod, typnotnull, typdefault, typcollation::regcollation, typowner::regrole)
        from type
      union all
      select format('enum %s: %s', t.name, string_agg(e.enumlabel, ', ' order by e.enumsortorder))
        from type as t join pg_enum as e on e.enumtypid = t.oid group by t.name

      union all
      select format('relation %s: kind %s, options %s, persistence %s, replica identity %s, row security %s %s, tablespace %s, owner %s',
          name, relkind, reloptions, relpersistence, relreplident, relrowsecurity, relforcerowsecurity, reltablespace,
          relowner::regrole)
        from relation
      union all
      select format('column %s %s %s: %s, not null %s, default %s, collation %s, storage %s %s, identity %s, generated %s, options %s, statistics %s',
          r.name, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
          a.attcollation::regcollation, a.attstorage, a.attcompression, a.attidentity, a.attgenerated, a.attoptions,
          coalesce(a.attstattarget, -1))
        from relation as r
        join pg_attribute as a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
        left join pg_attrdef as d on d.adrelid = r.oid and d.adnum = a.attnum
        where r.relkind <> 'i'
      union all
      select format('index %s: %s, valid %s, clustered %s', i.indexrelid::regclass, pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisclustered)
        from pg_index as i where i.indrelid in (select oid from relation)
      union all
      select format('view %s: %s', name, pg_get_viewdef(oid)) from relation where relkind in ('v', 'm')
      union all
      select format('rule on %s: %s', ev_class::regclass, pg_get_ruledef(oid)) from pg_rewrite
        where ev_class in (select oid from relation) and rulename <> '_RETURN'
      union all
      select format('policy on %s: %s %s %s %s %s', polrelid::regclass, polname, polcmd, polroles,
          pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
        from pg_policy where polrelid in (select oid from relation)

      union all
      select format('constraint %s on %s: %s, validated %s', conname, owner, pg_get_constraintdef(oid), convalidated) from con
      union all
      select format('trigger %s on %s: %s, enabled %s', tgname, name, pg_get_triggerdef(oid), tgenabled) from trigger

      union all
      select format('function %s: owner %s, %s', name, proowner::regrole, pg_get_functiondef(oid)) from function where prokind in ('f', 'p')

      union all
      select format('grant on %s: %s', g.name, x.item)
        from (
          select 'schema', nspacl from pg_namespace where nspname = 'vmstate'
          union all select name::text, relacl from relation
          union all select name::text, typacl from type
          union all select name::text, proacl from function
          union all select format('%s.%s', r.name, a.attname), a.attacl from relation as r join pg_attribute as a on a.attrelid = r.oid
        ) as g (name, acl)
        cross join lateral (
          select item::text from unnest(g.acl) as item
          union all select 'default' where g.acl is null
          union all select 'none' where cardinality(g.acl) = 0
        ) as x (item)

      union all
      select format('comment on %s: %s', pg_describe_object(c.classoid, c.objoid, c.objsubid), c.description)
        from pg_description as c
        where (c.classoid, c.objoid) in (
          select 'pg_class'::regclass, oid from relation
          union all select 'pg_type'::regclass, oid from type
          union all select 'pg_proc'::regclass, oid from function
          union all select 'pg_constraint'::regclass, oid from con
          union all select 'pg_trigger'::regclass, oid from trigger
          union all select 'pg_namespace'::regclass, 'vmstate'::regnamespace
        )
    )
    select fact from fact order by fact`;
  return rows.map(({ fact }) => fact);
}
