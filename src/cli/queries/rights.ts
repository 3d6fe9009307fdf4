import type postgres from "postgres";

/**
 * Tells whether this role may read the tables, as the owner may.
 *
 * Roles of every kind of `grant_access` read views only.
 */
export async function mayReadTables(sql: postgres.ISql): Promise<boolean> {
  const [row] = await sql<[{ may: boolean }]>`
    select bool_and(has_table_privilege(relation, 'select')) as may
    from unnest(array['instance', 'vmm', 'migration', 'instance_plan', 'resolved_instance']) as t (name),
      format('vmstate.%I', name) as relation`;
  return row.may;
}
