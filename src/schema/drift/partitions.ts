import type postgres from "postgres";
import { byUsers } from "./additions.js";
import { type Comparison, compareCatalogs } from "./compare.js";
import type { CatalogObject } from "./read.js";

/**
 * Compares each partition of the history with its parent: indexes, triggers and constraints.
 *
 * No list could name the partitions: they come and go with the time. history_default, which always is there, is
 * compared like any other table.
 */
export async function comparePartitions(sql: postgres.ISql): Promise<Comparison> {
  const rows = await sql<{ object: string; isExpected: boolean }[]>`
    with partition as (
      select i.inhrelid as oid, i.inhrelid::regclass::text as name, i.inhparent as parent
        from pg_inherits as i join pg_class as c on c.oid = i.inhrelid
        where i.inhparent = to_regclass('vmstate.history') and pg_get_expr(c.relpartbound, c.oid) <> 'DEFAULT'
    ),
    part (relation, kind, name, definition, state) as (
      select i.indrelid, 'index', regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING ', ''), null,
          case when not i.indisvalid then 'invalid' end
        from pg_index as i
      union all
      select t.tgrelid, 'trigger', quote_ident(t.tgname), format('%s, of type %s, when %s', t.tgfoid::regproc, t.tgtype, t.tgqual),
          case t.tgenabled when 'D' then 'switched off' when 'R' then 'for replicas only' when 'A' then 'always on' end
        from pg_trigger as t where not t.tgisinternal
      union all
      select c.conrelid, 'constraint', quote_ident(c.conname), pg_get_constraintdef(c.oid),
          case when not c.convalidated then 'not validated' end
        from pg_constraint as c where c.contype <> 'n'
    )
    select json_build_object('kind', o.kind, 'name', format('%s on %s', o.name, p.name), 'parent', null, 'options', '{}'::json,
        'properties', jsonb_strip_nulls(jsonb_build_object('definition', o.definition, 'is', o.state)))::text as object,
        o.relation = p.parent as "isExpected"
      from partition as p join part as o on o.relation in (p.oid, p.parent)
      order by p.name, o.kind, o.name`;
  const objects = (isExpected: boolean): CatalogObject[] =>
    rows
      .filter((row) => row.isExpected === isExpected)
      .map(({ object }) => JSON.parse(object) as CatalogObject);
  return compareCatalogs(objects(true), objects(false), [], byUsers);
}
