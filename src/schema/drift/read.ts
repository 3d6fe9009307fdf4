import type postgres from "postgres";

/** An object of a schema, with all that the system catalogs say of it. */
export interface CatalogObject {
  /** `table`, `column`, `function`, … */
  kind: string;
  /** Qualified; two objects of a kind never share it. */
  name: string;
  /** The kind and name of the object without which it cannot be, other than the schema. */
  parent: string | null;
  /** By name. A property that the object does not have is left out. */
  properties: Record<string, string>;
  /** By name: storage parameters (those of its TOAST table begin with `toast.`), column options, the statistics target. */
  options: Record<string, string>;
}

/**
 * Reads all that the system catalogs know of a schema.
 *
 * Leaves out the bookkeeping of node-pg-migrate. Two schemas that read the same behave alike. Names are qualified
 * unless the session's search_path names the schema.
 *
 * @param schema `vmstate`, or the name of a schema made from the same statements, which is read as if it were that
 */
export async function readCatalog(sql: postgres.ISql, schema = "vmstate"): Promise<CatalogObject[]> {
  const rows = await query(sql, schema);
  return rows.map(({ object }) => parse(object, schema));
}

/**
 * Parses the rows, and renames the schema in the parsed values.
 *
 * In JSON text a name at the beginning of a line follows the `n` of `\n`, so that no word begins with the name.
 */
function parse(object: string, schema: string): CatalogObject {
  const name = new RegExp(`\\b${schema}\\b`, "g");
  return JSON.parse(object, (_, value: unknown) =>
    typeof value === "string" ? value.replaceAll(name, "vmstate") : value,
  ) as CatalogObject;
}

function query(sql: postgres.ISql, schema: string): postgres.PendingQuery<{ object: string }[]> {
  return sql<{ object: string }[]>`
    with
    home as (
      select n.oid, n.nspname, n.nspowner, n.nspacl from pg_namespace as n where n.nspname = ${schema}
    ),
    -- those of the history that cover a range of time: no two databases have the same
    partition as (
      select i.inhrelid as oid
        from pg_inherits as i
        join pg_class as p on p.oid = i.inhparent join home on home.oid = p.relnamespace
        join pg_class as c on c.oid = i.inhrelid
        where p.relname = 'history' and pg_get_expr(c.relpartbound, c.oid) <> 'DEFAULT'
    ),
    relation as (
      select c.*, c.oid::regclass::text as name,
          case c.relkind
            when 'r' then 'table' when 'p' then 'table' when 'v' then 'view' when 'm' then 'materialized view'
            when 'S' then 'sequence' when 'c' then 'type' when 'f' then 'foreign table' else 'index'
          end as kind
        from pg_class as c join home on home.oid = c.relnamespace
        where c.relname !~ '^pgmigrations' and c.oid not in (select p.oid from partition as p)
          and c.oid not in (select i.indexrelid from pg_index as i join partition as p on p.oid = i.indrelid)
    ),
    type as (
      select t.*, t.oid::regtype::text as name from pg_type as t join home on home.oid = t.typnamespace
        where t.typtype in ('e', 'd') or t.typrelid in (select r.oid from relation as r where r.relkind = 'c')
    ),
    function as (
      select p.*, p.oid::regprocedure::text as name from pg_proc as p join home on home.oid = p.pronamespace
    ),
    con as (
      select c.*, format('%I on %s', c.conname, coalesce(r.name, t.name)) as name,
          coalesce(r.kind || ' ' || r.name, 'type ' || t.name) as parent
        from pg_constraint as c
        left join relation as r on r.oid = c.conrelid
        left join type as t on t.oid = c.contypid
        -- those that are NOT NULL are what the column says
        where coalesce(r.oid, t.oid) is not null and c.contype <> 'n'
    ),
    grants (oid, sub, acl, owner, default_kind) as (
      select h.oid, 0, h.nspacl, h.nspowner, 'n'::"char" from home as h
      union all
      select r.oid, 0, r.relacl, r.relowner, case r.relkind when 'S' then 's' else 'r' end::"char" from relation as r
        where r.relkind not in ('i', 'I', 'c')
      union all
      select a.attrelid, a.attnum, a.attacl, r.relowner, 'c' from pg_attribute as a join relation as r on r.oid = a.attrelid
        where a.attacl is not null
      union all
      select t.oid, 0, t.typacl, t.typowner, 'T' from type as t
      union all
      select f.oid, 0, f.proacl, f.proowner, 'f' from function as f
    ),
    access as (
      select g.oid, g.sub,
          coalesce((select string_agg(i::text, ' ' order by i::text) from unnest(g.acl) as i), 'default') as grants,
          (
            select string_agg(a.privilege_type, ', ' order by a.privilege_type)
              from aclexplode(coalesce(g.acl, acldefault(g.default_kind, g.owner))) as a
              where a.grantee = 0
          ) as public,
          (
            select string_agg(format('%s to %I', a.privilege_type, a.grantee::regrole), ', ' order by a.grantee, a.privilege_type)
              from aclexplode(g.acl) as a
              where a.grantee not in (0, g.owner) and a.privilege_type not in ('SELECT', 'USAGE', 'EXECUTE', 'REFERENCES')
          ) as writers
        from grants as g
    ),
    option (oid, sub, name, value) as (
      select r.oid, 0, p.option_name, p.option_value from relation as r cross join pg_options_to_table(r.reloptions) as p
      union all
      select r.oid, 0, 'toast.' || p.option_name, p.option_value
        from relation as r join pg_class as t on t.oid = r.reltoastrelid cross join pg_options_to_table(t.reloptions) as p
      union all
      select a.attrelid, a.attnum, p.option_name, p.option_value
        from relation as r join pg_attribute as a on a.attrelid = r.oid cross join pg_options_to_table(a.attoptions) as p
      union all
      select a.attrelid, a.attnum, 'statistics target', a.attstattarget::text
        from relation as r join pg_attribute as a on a.attrelid = r.oid where a.attnum > 0 and a.attstattarget <> -1
    ),
    object (kind, name, parent, oid, sub, owner, comment, properties) as (
      select 'schema', h.nspname::text, null, h.oid, 0, h.nspowner, obj_description(h.oid, 'pg_namespace'), '{}'::jsonb
        from home as h

      union all
      select 'type', t.name, null, t.oid, 0, t.typowner, obj_description(t.oid, 'pg_type'), jsonb_build_object(
          'labels', (select string_agg(e.enumlabel, ', ' order by e.enumsortorder) from pg_enum as e where e.enumtypid = t.oid),
          'base', case when t.typtype = 'd' then format_type(t.typbasetype, t.typtypmod) end,
          'not null', nullif(t.typnotnull, false),
          'default', t.typdefault,
          'collation', nullif(t.typcollation, 0)::regcollation
        )
        from type as t

      union all
      select r.kind, r.name, case r.kind when 'sequence' then (
            -- what a serial or identity column has
            select format('column %s.%I', o.name, a.attname)
              from pg_depend as d join relation as o on o.oid = d.refobjid
              join pg_attribute as a on a.attrelid = o.oid and a.attnum = d.refobjsubid
              where d.classid = 'pg_class'::regclass and d.objid = r.oid and d.deptype in ('a', 'i')
          ) when 'index' then (
            select coalesce(max('constraint ' || c.name), max(o.kind || ' ' || o.name))
              from pg_index as i join relation as o on o.oid = i.indrelid
              left join con as c on c.conindid = r.oid and c.contype in ('p', 'u', 'x')
              where i.indexrelid = r.oid
          ) end,
          r.oid, 0, case when r.kind <> 'index' then r.relowner end, obj_description(r.oid, 'pg_class'), jsonb_build_object(
          'definition', case
            -- the options are compared one by one
            when r.kind = 'index' then replace(pg_get_indexdef(r.oid), (
              select format(' WITH (%s)', string_agg(format('%I=', p.option_name) || case
                  when p.option_value = quote_ident(p.option_value) then p.option_value else quote_literal(p.option_value)
                end, ', ' order by p.ordinality))
                from pg_options_to_table(r.reloptions) with ordinality as p
            ), '')
            when r.relkind in ('v', 'm') then pg_get_viewdef(r.oid)
          end,
          'is', (
            select concat_ws(', ', case when not i.indisvalid then 'invalid' end, case when i.indisclustered then 'clustered' end)
              from pg_index as i where i.indexrelid = r.oid
          ),
          'persistence', nullif(r.relpersistence, 'p'),
          'replica identity', case when r.kind = 'table' then nullif(r.relreplident, 'd') end,
          'row security', nullif(r.relrowsecurity, false),
          'forced row security', nullif(r.relforcerowsecurity, false),
          'tablespace', (select s.spcname from pg_tablespace as s where s.oid = r.reltablespace),
          'access method', (select m.amname from pg_am as m where m.oid = r.relam),
          'partitioned by', case when r.relkind = 'p' then pg_get_partkeydef(r.oid) end,
          'partition', pg_get_expr(r.relpartbound, r.oid),
          'inherits', (select string_agg(i.inhparent::regclass::text, ', ' order by i.inhseqno) from pg_inherits as i where i.inhrelid = r.oid)
        )
        from relation as r where r.relkind <> 'c'

      union all
      select 'column', format('%s.%I', r.name, a.attname), format('%s %s', r.kind, r.name),
          r.oid, a.attnum, null, col_description(r.oid, a.attnum), jsonb_build_object(
          'position', row_number() over (partition by r.oid order by a.attnum),
          'type', format_type(a.atttypid, a.atttypmod),
          'not null', nullif(a.attnotnull, false),
          'default', pg_get_expr(d.adbin, d.adrelid),
          'collation', nullif(a.attcollation, 0)::regcollation,
          'storage', a.attstorage,
          'compression', nullif(a.attcompression, ''),
          'identity', nullif(a.attidentity, ''),
          'generated', nullif(a.attgenerated, '')
        )
        from relation as r
        join pg_attribute as a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
        left join pg_attrdef as d on d.adrelid = r.oid and d.adnum = a.attnum
        where r.kind <> 'index' and r.kind <> 'sequence'

      union all
      select 'constraint', c.name, c.parent, c.oid, 0, null, obj_description(c.oid, 'pg_constraint'), jsonb_build_object(
          'definition', pg_get_constraintdef(c.oid),
          'is', concat_ws(', ', case when not c.convalidated then 'not validated' end, case when exists (
            select from pg_trigger as t where t.tgconstraint = c.oid and t.tgenabled <> 'O'
          ) then 'switched off' end)
        )
        from con as c

      union all
      select 'trigger', format('%I on %s', t.tgname, r.name), format('%s %s', r.kind, r.name),
          t.oid, 0, null, obj_description(t.oid, 'pg_trigger'), jsonb_build_object(
          'definition', pg_get_triggerdef(t.oid),
          'is', case t.tgenabled when 'D' then 'switched off' when 'R' then 'for replicas only' when 'A' then 'always on' end
        )
        from relation as r join pg_trigger as t on t.tgrelid = r.oid
        where not t.tgisinternal

      union all
      select 'rule', format('%I on %s', w.rulename, r.name), format('%s %s', r.kind, r.name),
          w.oid, 0, null, obj_description(w.oid, 'pg_rewrite'), jsonb_build_object('definition', pg_get_ruledef(w.oid))
        from relation as r join pg_rewrite as w on w.ev_class = r.oid
        where w.rulename <> '_RETURN'

      union all
      select 'policy', format('%I on %s', p.polname, r.name), format('%s %s', r.kind, r.name),
          p.oid, 0, null, obj_description(p.oid, 'pg_policy'), jsonb_build_object(
          'definition', format('%s %s %s using %s check %s', p.polcmd, p.polpermissive, p.polroles::regrole[],
            pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
        )
        from relation as r join pg_policy as p on p.polrelid = r.oid

      union all
      -- also those that an operator made in another schema, for a table of this one
      select 'statistics', format('%I.%I', n.nspname, s.stxname), r.kind || ' ' || r.name,
          s.oid, 0, s.stxowner, obj_description(s.oid, 'pg_statistic_ext'),
          jsonb_build_object('definition', pg_get_statisticsobjdef(s.oid))
        from pg_statistic_ext as s join pg_namespace as n on n.oid = s.stxnamespace
        left join relation as r on r.oid = s.stxrelid
        where r.oid is not null or n.oid = (select h.oid from home as h)

      union all
      select 'function', f.name, null, f.oid, 0, f.proowner, obj_description(f.oid, 'pg_proc'), jsonb_build_object(
          'arguments', pg_get_function_arguments(f.oid),
          'result', pg_get_function_result(f.oid),
          'kind', nullif(f.prokind, 'f'),
          'language', l.lanname,
          'volatility', case f.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
          'parallel', case f.proparallel when 's' then 'safe' when 'r' then 'restricted' else 'unsafe' end,
          'security', case when f.prosecdef then 'definer' else 'invoker' end,
          'strict', nullif(f.proisstrict, false),
          'leakproof', nullif(f.proleakproof, false),
          'cost', f.procost,
          'rows', nullif(f.prorows, 0),
          'support', nullif(f.prosupport::oid, 0)::regproc,
          'settings', (select string_agg(s, ', ' order by s) from unnest(f.proconfig) as s),
          'body', coalesce(pg_get_function_sqlbody(f.oid), f.prosrc)
        )
        from function as f join pg_language as l on l.oid = f.prolang

      union all
      -- of any other kind: at least that it is there
      select 'object', pg_describe_object(d.classid, d.objid, 0), null, d.objid, 0, null, null, '{}'
        from home join pg_depend as d on d.refclassid = 'pg_namespace'::regclass and d.refobjid = home.oid and d.deptype = 'n'
        where d.classid <> all (array['pg_class', 'pg_proc', 'pg_statistic_ext']::regclass[]) and d.objid not in (select t.oid from type as t)
    )
    select json_build_object('kind', o.kind, 'name', o.name, 'parent', o.parent, 'properties', jsonb_strip_nulls(
        jsonb_build_object(
          'owner', case when o.owner <> h.nspowner then o.owner::regrole end,
          'grants', a.grants, 'PUBLIC may', a.public, 'others may', a.writers, 'comment', o.comment
        ) || coalesce((select jsonb_object_agg(p.key, nullif(p.value, '')) from jsonb_each_text(o.properties) as p), '{}')
      ), 'options', coalesce(
        (select jsonb_object_agg(p.name, coalesce(p.value, '')) from option as p where p.oid = o.oid and p.sub = o.sub), '{}'
      ))::text as object
      from home as h
      cross join object as o
      left join access as a on a.oid = o.oid and a.sub = o.sub
      order by o.kind, o.name`;
}
