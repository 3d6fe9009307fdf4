import type postgres from "postgres";
import type { Relations } from "./model/relations.js";

/** The rows of these instances and sleds, in one statement. */
export async function readRows(
  sql: postgres.ISql,
  ids: readonly string[],
  sledIds: readonly string[],
): Promise<Relations> {
  const [row] = await sql<[{ relations: string }]>`
    select json_build_object(${instanceRows(sql, ids)},
      'sled_report', (select coalesce(json_object_agg(r.sled_id, r), '{}')
        from vmstate.sled_report as r where r.sled_id = any (${sledIds}::uuid[]))
    )::text as relations`;
  return parsed(row.relations);
}

/** The rows of these instances, in one statement. */
export async function readInstanceRows(sql: postgres.ISql, ids: readonly string[]): Promise<Relations> {
  const [row] = await sql<[{ relations: string }]>`
    select json_build_object(${instanceRows(sql, ids)})::text as relations`;
  return parsed(row.relations);
}

function instanceRows(sql: postgres.ISql, ids: readonly string[]): postgres.Fragment {
  return sql`
      'instance', (select coalesce(json_object_agg(r.id, r), '{}')
        from vmstate.instance as r where r.id = any (${ids}::uuid[])),
      'vmm', (select coalesce(json_object_agg(r.id, r), '{}')
        from vmstate.vmm as r where r.instance_id = any (${ids}::uuid[])),
      'migration', (select coalesce(json_object_agg(r.id, r), '{}')
        from vmstate.migration as r where r.instance_id = any (${ids}::uuid[]))`;
}

/** What the views show of these instances, in one statement. */
export async function readViews(sql: postgres.ISql, ids: readonly string[]): Promise<Relations> {
  const [row] = await sql<[{ relations: string }]>`
    select json_build_object(
      'api_instance', (select coalesce(json_object_agg(r.id, r), '{}')
        from vmstate.api_instance as r where r.id = any (${ids}::uuid[])),
      'instance_detail', (select coalesce(json_object_agg(r.id, r), '{}')
        from vmstate.instance_detail as r where r.id = any (${ids}::uuid[])),
      'api_migration', (select coalesce(json_object_agg(r.id, r), '{}')
        from vmstate.api_migration as r where r.instance_id = any (${ids}::uuid[])),
      'api_vmm', (select coalesce(json_object_agg(r.id, r), '{}')
        from vmstate.api_vmm as r where r.instance_id = any (${ids}::uuid[])),
      'pending_update', (select coalesce(json_object_agg(r.instance_id, r), '{}')
        from vmstate.pending_update as r where r.instance_id = any (${ids}::uuid[])),
      'abandoned_vmm', (select coalesce(json_object_agg(r.propolis_id, r), '{}')
        from vmstate.abandoned_vmm as r where r.instance_id = any (${ids}::uuid[])),
      'orphaned_vmm', (select coalesce(json_object_agg(r.propolis_id, r), '{}')
        from vmstate.orphaned_vmm as r where r.instance_id = any (${ids}::uuid[])),
      'restartable_instance', (select coalesce(json_object_agg(r.instance_id, r), '{}')
        from vmstate.restartable_instance as r where r.instance_id = any (${ids}::uuid[])),
      'watched_vmm', (select coalesce(json_object_agg(r.propolis_id, r), '{}')
        from vmstate.watched_vmm as r where r.instance_id = any (${ids}::uuid[])),
      'invariant_violation', (select coalesce(json_object_agg(concat(r.instance_id, ' ', r.invariant), r), '{}')
        from vmstate.invariant_violation as r where r.instance_id = any (${ids}::uuid[]))
    )::text as relations`;
  return parsed(row.relations);
}

/** By relation and id; columns in camel case, as answers have them. */
function parsed(json: string): Relations {
  const relations = JSON.parse(json) as Relations;
  return Object.fromEntries(
    Object.entries(relations).map(([relation, rows]) => [
      relation,
      Object.fromEntries(Object.entries(rows).map(([id, row]) => [id, inCamelCase(row)])),
    ]),
  );
}

function inCamelCase(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
}
