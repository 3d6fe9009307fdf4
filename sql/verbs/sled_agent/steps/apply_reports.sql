CREATE OR REPLACE FUNCTION vmstate.apply_reports(p_reports vmstate.batch_report[], p_sleds uuid[])
RETURNS SETOF vmstate.batch_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
BEGIN
  RETURN QUERY
    WITH judged AS MATERIALIZED (
      SELECT r.ordinal, r.instance_id, r.propolis_id, vmstate.from_report(r.state) AS new_state,
          vmstate.counts_as_running(r.state, CASE WHEN r.state = 'migrating' THEN EXISTS (
            SELECT FROM vmstate.migration AS m WHERE m.instance_id = r.instance_id AND m.destination_propolis_id = r.propolis_id) END)
            AS counts_as_running,
          r.generation, r.time, r.report,
          v.state AS old_state, v.state_generation, v.time_unlinked IS NULL AS linked,
          vmstate.vmm_report_outcome(v.state, v.state_generation, v.time_deleted, r.generation) AS outcome
        FROM (SELECT u.* FROM unnest(p_reports) AS u ORDER BY u.propolis_id) AS r
        -- locks in that order; of a row it had to wait for, it reads what the others left
        LEFT JOIN LATERAL (
          SELECT w.state, w.state_generation, w.time_deleted, w.time_unlinked
            FROM vmstate.vmm AS w
            WHERE w.instance_id = r.instance_id AND w.id = r.propolis_id
              -- one that came after the batch was checked is not there yet
              AND (p_sleds IS NULL OR w.sled_id = ANY (p_sleds))
            FOR NO KEY UPDATE
        ) AS v ON true
    ),
    written AS (
      UPDATE vmstate.vmm AS v
        SET state = j.new_state,
          state_generation = j.generation,
          time_state_updated = j.time,
          time_reported = v_now,
          time_started = CASE WHEN j.counts_as_running THEN coalesce(v.time_started, v_now) ELSE v.time_started END,
          failure_reason = CASE WHEN j.new_state = 'failed' THEN 'sled_agent_report'::vmstate.failure_reason END
        FROM judged AS j
        WHERE v.instance_id = j.instance_id AND v.id = j.propolis_id AND j.outcome = 'applied'
    )
    SELECT s.ordinal, s.instance_id, s.propolis_id, s.outcome,
        (s.sides).migration_in_outcome, (s.sides).migration_out_outcome,
        coalesce((s.sides).update_needed, false) OR (s.outcome = 'applied' AND s.linked AND vmstate.is_absorbing(s.new_state)),
        CASE WHEN s.outcome = 'applied' THEN s.new_state ELSE s.old_state END,
        CASE WHEN s.outcome = 'applied' THEN s.generation ELSE s.state_generation END
      FROM (
        SELECT j.*,
            CASE WHEN j.report IS DISTINCT FROM NULL THEN vmstate.apply_migration_parts('report_vmms', j.report, p_sleds) END AS sides
          FROM judged AS j
      ) AS s
      ORDER BY s.ordinal;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.apply_reports FROM PUBLIC;
COMMENT ON FUNCTION vmstate.apply_reports IS 'Judges and writes the reports of a batch, no two of which are of one VMM.

The caller has locked the migrations and refused VMMs that are on none of p_sleds (NULL: any sled).';
