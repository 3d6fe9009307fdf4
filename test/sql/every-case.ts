import type postgres from "postgres";
import type { Input, Plan } from "./model.js";

/**
 * Creates the table `every_case`: the whole input of the update plan. The states of an instance without an active VMM
 * once each; the active VMM in every state without a migration; and with one of whichever sides and destination.
 */
export async function createEveryCase(sql: postgres.Sql): Promise<void> {
  await sql`
    create table every_case as
    with flag (value) as (values (true), (false)),
    intent (value) as (select unnest(enum_range(null::vmstate.intended_state))),
    vmm (state) as (select unnest(enum_range(null::vmstate.vmm_state))),
    side (state) as (select unnest(enum_range(null::vmstate.migration_state))),
    combination as (
      select state, intent.value as intent, 'none' as topology, null::vmstate.vmm_state as a, null::boolean as a_started,
          null::vmstate.vmm_state as t, null::boolean as t_started,
          null::vmstate.migration_state as s, null::vmstate.migration_state as d
        from unnest(enum_range(null::vmstate.instance_state)) as state, intent
        where state <> 'vmm'
      union all
      select 'vmm', intent.value, 'none', a.state, a_started.value, null, null, null, null
        from intent, vmm as a, flag as a_started
      union all
      select 'vmm', intent.value, topology, a.state, a_started.value, t.state, t_started.value, s.state, d.state
        from intent, vmm as a, flag as a_started, (values ('source'), ('destination'), ('neither')) as w (topology),
          vmm as t, flag as t_started, side as s, side as d
        where topology <> 'destination' or (a.state, a_started.value) = (t.state, t_started.value)
    )
    select c.*, u.instance_id,
        case when c.a is not null then u.a_id end as active_id,
        case topology when 'none' then null when 'destination' then u.a_id else u.t_id end as destination_id,
        case topology when 'none' then null when 'source' then u.a_id else u.x_id end as source_id,
        case when topology <> 'none' then u.m_id end as migration_id
      from (select row_number() over () as n, * from combination) as c
      cross join lateral (
        select ('1' || hex)::uuid as instance_id, ('a' || hex)::uuid as a_id, ('b' || hex)::uuid as t_id,
            ('c' || hex)::uuid as x_id, ('d' || hex)::uuid as m_id
          from (values (lpad(to_hex(c.n), 31, '0'))) as h (hex)
      ) as u`;
}

/** The rows that each case describes; what no writer could make of them is written all the same. */
export async function plantEveryCase(sql: postgres.Sql): Promise<void> {
  await sql.begin(async (sql) => {
    await sql`set local session_replication_role = replica`;
    await sql`
      insert into vmstate.instance (id, project_id, name, state, intended_state,
          active_propolis_id, destination_propolis_id, migration_id, time_deleted)
        select instance_id, instance_id, 'case', state, intent, active_id, destination_id, migration_id,
            case when state = 'destroyed' then now() end
          from every_case`;
    await sql`
      insert into vmstate.vmm (instance_id, id, sled_id, propolis_ip, saga_id, state, time_started, failure_reason, time_unlinked)
        select instance_id, v.id, v.id, '10.0.0.1', v.id, v.state, case when v.started then now() end,
            case when v.state = 'failed' then 'operator'::vmstate.failure_reason end, v.time_unlinked
          from every_case
          cross join lateral (values
            (active_id, a, a_started, null),
            (case when topology <> 'destination' then destination_id end, t, t_started, null),
            (case when topology <> 'source' then source_id end, 'running', true, now())
          ) as v (id, state, started, time_unlinked)
          where v.id is not null`;
    await sql`
      insert into vmstate.migration (instance_id, id, saga_id, source_propolis_id, source_state,
          destination_propolis_id, destination_state)
        select instance_id, migration_id, migration_id, source_id, s, destination_id, d
          from every_case where migration_id is not null`;
  });
  await sql`analyze`;
}

/** A case, what the database answered to it, and the effective state if that was asked for. */
export interface Answered {
  input: Input;
  plan: Plan;
  apiState: string;
}

/** One row per case, in the terms of the model; `plans` is a relation with the columns of the plan. */
function answers(sql: postgres.Sql, plans: postgres.PendingQuery<postgres.Row[]>): Promise<Answered[]> {
  const symbol = (id: string): postgres.PendingQuery<postgres.Row[]> =>
    sql`case when ${sql(id)} is not null then coalesce(case ${sql(id)} when c.active_id then 'A' when c.destination_id then 'T' end, 'other') end`;
  const symbols = (ids: string): postgres.PendingQuery<postgres.Row[]> =>
    sql`array(select ${symbol("id")} from unnest(${sql(ids)}) as id order by 1)`;
  return sql<Answered[]>`
    select
        json_build_object('state', c.state, 'intent', c.intent, 'topology', c.topology, 'a', c.a, 'aStarted', c.a_started,
          't', c.t, 'tStarted', c.t_started, 's', c.s, 'd', c.d) as input,
        json_build_object('needed', p.needed, 'verdict', p.verdict, 'state', p.new_state,
          'active', ${symbol("new_active_propolis_id")}, 'destination', ${symbol("new_destination_propolis_id")},
          'migration', p.new_migration_id is not null, 'intent', p.new_intended_state, 'network', p.network,
          'unlinked', ${symbols("unlinked_propolis_ids")}, 'terminate', ${symbols("terminate_propolis_ids")}) as plan,
        p.api_state as "apiState"
      from every_case as c
      cross join lateral (${plans}) as p
      where p.new_migration_id is null or p.new_migration_id = c.migration_id
      order by c.n`;
}

/** What the pure function answers to every case. */
export function functionAnswers(sql: postgres.Sql): Promise<Answered[]> {
  return answers(
    sql,
    sql`select u.*, null as api_state
      from vmstate.update_plan(c.state, c.intent, c.active_id, c.a, c.a_started, c.destination_id, c.t, c.t_started,
        c.migration_id, c.active_id in (c.source_id, c.destination_id), c.s, c.d) as u
      where u.network_propolis_id is not distinct from u.new_active_propolis_id`,
  );
}

/** What the view says of the planted rows. */
export function viewAnswers(sql: postgres.Sql): Promise<Answered[]> {
  return answers(sql, sql`select * from vmstate.instance_plan as i where i.instance_id = c.instance_id`);
}
