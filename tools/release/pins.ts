import type postgres from "postgres";

/**
 * Lists functions that keep a table or a domain from being altered.
 *
 * Each is listed with the type: `function f(t) pins t`.
 *
 * Newer minor releases of PostgreSQL (15.20 and its sisters) refuse with 0A000 to add a column with a default, or a
 * check to a domain, where a function with a parsed body (`RETURN …`, `BEGIN ATOMIC`) takes or returns a composite
 * type or a domain, or an array of it, or what has it in a column, at any depth.
 */
export async function pinnedTypes(sql: postgres.Sql): Promise<string[]> {
  const rows = await sql<{ pin: string }[]>`
    with recursive reached (function, type) as (
      select p.oid, u.type
        from pg_proc as p, unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]) || p.prorettype) as u (type)
        where p.pronamespace = 'vmstate'::regnamespace and p.prosqlbody is not null
      union
      select r.function, inner_type.oid
        from reached as r
          join pg_type as t on t.oid = r.type
          cross join lateral (
            select unnest(array[t.typelem, t.typbasetype])
            union all
            select a.atttypid from pg_attribute as a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
            union all
            select g.rngsubtype from pg_range as g where t.oid in (g.rngtypid, g.rngmultitypid)
          ) as inner_type (oid)
        where inner_type.oid <> 0
    )
    select format('function %s pins %s', r.function::regprocedure, r.type::regtype) as pin
      from reached as r join pg_type as t on t.oid = r.type
      where t.typtype in ('c', 'd')
      order by pin`;
  return rows.map(({ pin }) => pin);
}
