import type postgres from "postgres";

/** Sets the times of all deletions back by a day, but for rows that another session holds: this keeps no order of locks. */
export async function makeDeletedRowsOld(sql: postgres.Sql): Promise<void> {
  await sql`
    with unguarded as materialized (
      select clock_timestamp() - interval '1 day' as then, set_config('session_replication_role', 'replica', true)
    ), i as materialized (
      select id from vmstate.instance where time_deleted is not null for no key update skip locked
    ), v as materialized (
      select instance_id, id from vmstate.vmm where time_deleted is not null for no key update skip locked
    ), m as materialized (
      select instance_id, id from vmstate.migration where time_deleted is not null for no key update skip locked
    ), instances as (
      update vmstate.instance as r set time_deleted = u.then from i, unguarded as u where r.id = i.id
    ), vmms as (
      update vmstate.vmm as r set time_deleted = u.then from v, unguarded as u where r.instance_id = v.instance_id and r.id = v.id
    )
    update vmstate.migration as r set time_deleted = u.then from m, unguarded as u
      where r.instance_id = m.instance_id and r.id = m.id`;
}
