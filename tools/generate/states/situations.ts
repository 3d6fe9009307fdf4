import type postgres from "postgres";

/**
 * Inserts instances in every situation without a migration.
 *
 * There is one in every state, and one with an active VMM in every state.
 */
export async function placeWithoutMigration(sql: postgres.TransactionSql): Promise<void> {
  await unguarded(
    sql,
    sql`
      with place as (
        select gen_random_uuid() as id, s as state, null::vmstate.vmm_state as vmm_state
          from unnest(enum_range(null::vmstate.instance_state)) as s where s <> 'vmm'
        union all
        select gen_random_uuid(), 'vmm', v from unnest(enum_range(null::vmstate.vmm_state)) as v
      ), instance as (
        insert into vmstate.instance
          (id, project_id, name, state, active_propolis_id, intended_state, time_deleted)
          select id, id, 'place', state, case when state = 'vmm' then id end, 'running',
            case when state = 'destroyed' then clock_timestamp() end
          from place
      )
      insert into vmstate.vmm (instance_id, id, sled_id, propolis_ip, saga_id, state, failure_reason, time_unlinked)
        select id, id, id, 'fd00::1', id, vmm_state,
          case when vmm_state = 'failed' then 'operator'::vmstate.failure_reason end, null
        from place where state = 'vmm'`,
  );
}

/**
 * Inserts instances in every situation with a migration out of an active VMM.
 *
 * The active VMM is in one of the given states. Leaves out what an invariant forbids.
 */
export async function placeWithMigration(
  sql: postgres.TransactionSql,
  activeStates: readonly string[],
): Promise<void> {
  await unguarded(
    sql,
    sql`
      with place as (
        select gen_random_uuid() as id, gen_random_uuid() as other_id, active, destination, source_side, destination_side
          from unnest(${[...activeStates]}::text[]::vmstate.vmm_state[]) as active,
            unnest(enum_range(null::vmstate.vmm_state)) as destination,
            unnest(enum_range(null::vmstate.migration_state)) as source_side,
            unnest(enum_range(null::vmstate.migration_state)) as destination_side
      ), instance as (
        insert into vmstate.instance
          (id, project_id, name, state, active_propolis_id, destination_propolis_id, migration_id, intended_state)
          select id, id, 'place', 'vmm', id, other_id, id, 'running' from place
      ), vmm as (
        insert into vmstate.vmm (instance_id, id, sled_id, propolis_ip, saga_id, state, failure_reason, time_unlinked)
          select p.id, v.id, v.id, 'fd00::1', p.id, v.state,
            case when v.state = 'failed' then 'operator'::vmstate.failure_reason end, null
          from place as p, lateral (values (p.id, p.active), (p.other_id, p.destination)) as v (id, state)
      )
      insert into vmstate.migration
        (instance_id, id, saga_id, source_propolis_id, source_state, destination_propolis_id, destination_state)
        select id, id, id, id, source_side, other_id, destination_side from place`,
  );
  await unguarded(
    sql,
    sql`
      with forbidden as (select v.instance_id as id from vmstate.invariant_violation as v),
        migration as (delete from vmstate.migration as m using forbidden as f where m.instance_id = f.id),
        vmm as (delete from vmstate.vmm as v using forbidden as f where v.instance_id = f.id)
      delete from vmstate.instance as i using forbidden as f where i.id = f.id`,
  );
}

/** Awaits `write` with triggers and foreign keys switched off. */
async function unguarded(sql: postgres.TransactionSql, write: PromiseLike<unknown>): Promise<void> {
  await sql`set local session_replication_role = replica`;
  await write;
  await sql`set local session_replication_role = default`;
}
