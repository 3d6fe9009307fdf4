import type postgres from "postgres";
import type { CatalogObject } from "./read.js";

/**
 * Finds what vmstate uses that is neither vmstate's nor PostgreSQL's own.
 *
 * PostgreSQL resolves names by the search_path when it parses a function, view, default, check, index or trigger.
 * There, another role's function or operator can take the place of a built-in one, and then runs with the rights of
 * the owner of vmstate (CVE-2018-1058). PostgreSQL records a dependency on every object but those it is installed
 * with.
 */
export async function readCaptures(sql: postgres.ISql): Promise<CatalogObject[]> {
  const rows = await sql<{ name: string; parent: string }[]>`
    with home as (
      select n.oid from pg_namespace as n where n.nspname = 'vmstate'
    ),
    relation as (
      select c.oid from pg_class as c join home as h on h.oid = c.relnamespace
    ),
    own (classid, oid) as (
      select 'pg_class'::regclass, r.oid from relation as r
      union all
      select 'pg_attrdef'::regclass, d.oid from pg_attrdef as d join relation as r on r.oid = d.adrelid
      union all
      select 'pg_rewrite'::regclass, w.oid from pg_rewrite as w join relation as r on r.oid = w.ev_class
      union all
      -- not those that enforce the foreign key of a user's table
      select 'pg_trigger'::regclass, t.oid from pg_trigger as t join relation as r on r.oid = t.tgrelid
        where not t.tgisinternal
      union all
      select 'pg_policy'::regclass, p.oid from pg_policy as p join relation as r on r.oid = p.polrelid
      union all
      select d.classid, d.objid from pg_depend as d join home as h on h.oid = d.refobjid
        where d.refclassid = 'pg_namespace'::regclass
      union all
      select c.tableoid, c.oid from pg_constraint as c join home as h on h.oid = c.connamespace
    )
    select distinct format('%s %s in %s', used.type, used.identity, u.name) as name,
        regexp_replace(regexp_replace(u.name, '^table (?=column |constraint )', ''), '^default value for ', 'column ') as parent
      from own as o
      join pg_depend as d on d.classid = o.classid and d.objid = o.oid
      cross join pg_identify_object(d.classid, d.objid, d.objsubid) as user_
      cross join pg_identify_object(d.refclassid, d.refobjid, d.refobjsubid) as used
      cross join regexp_replace(format('%s %s', user_.type, user_.identity), '^rule "?_RETURN"? on ',
        case when exists (select from pg_matviews as m where format('"_RETURN" on %I.%I', m.schemaname, m.matviewname) = user_.identity)
          then 'materialized view ' else 'view ' end) as u (name)
      where used.schema not in ('vmstate', 'pg_catalog') and used.type <> 'schema'
      order by name`;
  return rows.map((row) => ({ kind: "use of", ...row, properties: {}, options: {} }));
}
