CREATE OR REPLACE FUNCTION vmstate.apply_plain_reports(
  p_instance_ids uuid[],
  p_propolis_ids uuid[],
  p_states vmstate.reported_vmm_state[],
  p_generations bigint[],
  p_times timestamptz[],
  p_sleds uuid[],
  OUT applied bigint[],
  OUT update_needed bigint[]
)
LANGUAGE plpgsql
SET search_path = ''
-- These settings leave the planner one way to join: for each report, in the order of the ids, one look into an index. Any other
-- way could lock the VMMs in another order, and with the plan of one batch in every session, two batches could deadlock.
SET plan_cache_mode = 'force_generic_plan'
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
BEGIN
  -- No comment stands in the statement, because each change that is recorded copies its text: PG_CONTEXT names it.
  -- Sorted: PostgreSQL locks each VMM when it comes to its report, so all batches lock in the order of the ids.
  -- ANY and num_nonnulls, because with = and IS NULL the planner may also go through a whole index of VMMs, in the order of that
  -- index, and look for a report of each; it does so while the table is small, and keeps the plan.
  -- WHERE has the generation check: what vmm_report_outcome calls applied, spelled out in the statement that writes.
  WITH apply_reports AS (
    UPDATE vmstate.vmm AS v
      SET state = r.new_state,
        state_generation = r.generation,
        time_state_updated = r.time,
        time_reported = v_now,
        time_started = CASE WHEN (v.migration_id IS NULL AND r.runs) OR r.runs_as_destination
          THEN coalesce(v.time_started, v_now) ELSE v.time_started END,
        failure_reason = CASE WHEN r.new_state = 'failed' THEN 'sled_agent_report'::vmstate.failure_reason END
      FROM (
        SELECT u.instance_id, u.propolis_id, u.generation, u.time, u.ordinal, vmstate.from_report(u.state) AS new_state,
            vmstate.counts_as_running(u.state, false) AS runs, vmstate.counts_as_running(u.state, true) AS runs_as_destination
          FROM unnest(p_instance_ids, p_propolis_ids, p_states, p_generations, p_times)
            WITH ORDINALITY AS u (instance_id, propolis_id, state, generation, "time", ordinal)
          ORDER BY u.propolis_id
      ) AS r
      WHERE v.instance_id = ANY (ARRAY[r.instance_id]) AND v.id = ANY (ARRAY[r.propolis_id])
        AND v.state_generation < r.generation AND NOT vmstate.is_absorbing(v.state) AND num_nonnulls(v.time_deleted) = 0
        AND (p_sleds IS NULL OR v.sled_id = ANY (p_sleds))
        AND r.new_state IS NOT NULL AND vmstate.is_point_in_time(r.time) AND r.generation <= 9007199254740991
      RETURNING r.ordinal, v.time_unlinked IS NULL AND vmstate.is_absorbing(v.state) AS is_end
  )
  SELECT array_agg(a.ordinal), array_agg(a.ordinal) FILTER (WHERE a.is_end) INTO applied, update_needed FROM apply_reports AS a;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.apply_plain_reports FROM PUBLIC;
COMMENT ON FUNCTION vmstate.apply_plain_reports IS 'Writes the reports of a batch that are newer than their rows, in one pass.

For batches that name no VMM twice and no migration. Locks the VMMs by id as it writes them, and locks no other VMM. Answers the places of the reports that were written, from 1, and those of them by which a linked VMM died; null for none.';
