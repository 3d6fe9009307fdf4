import type postgres from "postgres";

/**
 * Creates the table `situation`, with a row for each situation of an instance, and the rows that the situation describes.
 *
 * An active VMM is in every state (`a`); its guest never ran, ran shortly or long (`ran`); with every intent; under every
 * kind of updater lock (`lock`); the VMM came by a start, by a migration that was purged, by one that is no longer linked, or
 * a migration from the VMM is linked (`origin`). Also instances without a VMM. Situations that no verb can lead to are among
 * them.
 */
export async function plantSituations(sql: postgres.Sql): Promise<void> {
  await sql`
    create table situation as
    with intent (value) as (select unnest(enum_range(null::vmstate.intended_state))),
    lock (value) as (values ('none'), ('own'), ('other'), ('expired')),
    combination as (
      select 'vmm'::vmstate.instance_state as state, a, ran, intent.value as intent, lock.value as lock, origin
        from unnest(enum_range(null::vmstate.vmm_state)) as a, unnest(array['never', 'shortly', 'long']) as ran,
          intent, lock, unnest(array['start', 'purged', 'unlinked', 'linked']) as origin
        where intent.value <> 'destroyed'
      union all
      select state, null, null, intent.value, lock.value, null
        from unnest(enum_range(null::vmstate.instance_state)) as state, intent, lock
        where state <> 'vmm'
    )
    select c.*, ('1' || hex)::uuid as instance_id, ('a' || hex)::uuid as a_id, ('b' || hex)::uuid as t_id,
        ('d' || hex)::uuid as m_id
      from (select row_number() over () as n, * from combination) as c
      cross join lateral (values (lpad(to_hex(c.n), 31, '0'))) as h (hex)`;
  await sql.begin(async (sql) => {
    await sql`set local session_replication_role = replica`;
    await sql`
      insert into vmstate.instance (id, project_id, name, state, state_generation, intended_state, auto_restart_attempts,
          active_propolis_id, destination_propolis_id, migration_id, updater_id, updater_lease_until, updater_parent_id,
          time_state_updated, time_created, time_modified, time_deleted)
        select instance_id, instance_id, 'situation', state, n, intent, 3,
            case when a is not null then a_id end, case when origin = 'linked' then t_id end,
            case when origin = 'linked' then m_id end,
            case lock when 'none' then null when 'own' then ${OWN_SAGA}::uuid else ${OTHER_SAGA}::uuid end,
            case lock when 'none' then null when 'expired' then ${PAST}::timestamptz else ${FUTURE}::timestamptz end,
            ${OTHER_SAGA}::uuid, ${PAST}, ${PAST}, ${PAST}, case when state = 'destroyed' then ${PAST}::timestamptz end
          from situation`;
    await sql`
      insert into vmstate.vmm (instance_id, id, sled_id, propolis_ip, saga_id, state, state_generation, failure_reason,
          migration_id, time_state_updated, time_started, time_reported, time_unlinked)
        select instance_id, v.id, v.id, '10.0.0.1', v.id, v.state, n,
            case when v.state = 'failed' then 'operator'::vmstate.failure_reason end,
            case when origin = 'purged' then m_id end, ${PAST},
            case when ran <> 'never' then ${PAST}::timestamptz end,
            ${PAST}::timestamptz + case ran when 'shortly' then interval '1 minute' when 'long' then interval '1 hour' end, null
          from situation
          cross join lateral (values (a_id, a), (case when origin = 'linked' then t_id end, 'creating')) as v (id, state)
          where v.id is not null and a is not null`;
    await sql`
      insert into vmstate.migration (instance_id, id, saga_id, source_propolis_id, destination_propolis_id)
        select instance_id, m_id, m_id, case origin when 'linked' then a_id else t_id end,
            case origin when 'linked' then t_id else a_id end
          from situation where origin in ('unlinked', 'linked')`;
  });
  await sql.unsafe(TRIED);
  await sql`analyze`;
}

export const OWN_SAGA = "00000000-0000-4000-8000-00000000000a";
export const OTHER_SAGA = "00000000-0000-4000-8000-00000000000b";
const PAST = "2020-01-01 00:00+00";
const FUTURE = "2100-01-01 00:00+00";

/**
 * Creates the function `tried(statement, instance_id)`.
 *
 * It runs the statement, returns what that answers and which rows it leaves, or the error, and rolls all of it back. A time of
 * the clock shows as "now".
 */
const TRIED = `
CREATE FUNCTION public.shown(p_row jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_object_agg(key, CASE WHEN key LIKE 'time%' AND (value #>> '{}')::timestamptz > '2021-01-01' THEN '"now"' ELSE value END)
    FROM jsonb_each(p_row)
$$;
CREATE FUNCTION public.tried(p_statement text, p_instance_id uuid) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_answer jsonb;
  v_detail text;
BEGIN
  BEGIN
    EXECUTE p_statement INTO v_answer USING p_instance_id;
    RAISE EXCEPTION USING ERRCODE = 'TRIED', MESSAGE = jsonb_build_object(
      'answer', v_answer,
      'instance', (SELECT public.shown(to_jsonb(i)) FROM vmstate.instance AS i WHERE i.id = p_instance_id),
      'vmms', (SELECT jsonb_agg(public.shown(to_jsonb(v)) ORDER BY v.id) FROM vmstate.vmm AS v WHERE v.instance_id = p_instance_id),
      'migrations', (SELECT jsonb_agg(public.shown(to_jsonb(m)) ORDER BY m.id) FROM vmstate.migration AS m
        WHERE m.instance_id = p_instance_id))::text;
  EXCEPTION
    WHEN SQLSTATE 'TRIED' THEN RETURN sqlerrm::jsonb;
    WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL;
      RETURN jsonb_build_object('refused', SQLSTATE || ' ' || sqlerrm, 'detail', v_detail);
  END;
END
$$`;
