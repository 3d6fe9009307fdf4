CREATE OR REPLACE FUNCTION vmstate.apply_vmm_parts(p_reports vmstate.batch_report[], p_sleds uuid[])
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
          vmstate.counts_as_running(r.state, v.migration_id IS NOT NULL) AS counts_as_running,
          r.generation, r.time,
          v.state AS old_state, v.state_generation, v.time_unlinked IS NULL AS linked,
          vmstate.vmm_report_outcome(v.state, v.state_generation, v.time_deleted, r.generation) AS outcome
        FROM (SELECT u.* FROM unnest(p_reports) AS u ORDER BY u.propolis_id) AS r
        -- Locks the VMMs in order of their ids. PostgreSQL re-reads a row after a wait, so each report is judged by the newest row.
        LEFT JOIN LATERAL (
          SELECT w.state, w.state_generation, w.time_deleted, w.time_unlinked, w.migration_id
            FROM vmstate.vmm AS w
            WHERE w.instance_id = r.instance_id AND w.id = r.propolis_id
              -- A VMM on another sled was inserted after the sleds of the batch were checked: it is not_found.
              AND (p_sleds IS NULL OR w.sled_id = ANY (p_sleds))
            FOR NO KEY UPDATE
        ) AS v ON true
    ),
    apply_reports AS (
      UPDATE vmstate.vmm AS v
        SET state = j.new_state,
          state_generation = j.generation,
          time_state_updated = j.time,
          time_reported = v_now,
          time_started = CASE WHEN j.counts_as_running THEN coalesce(v.time_started, v_now) ELSE v.time_started END,
          failure_reason = CASE WHEN j.new_state = 'failed' THEN 'sled_agent_report'::vmstate.failure_reason END
        FROM judged AS j
        WHERE v.instance_id = j.instance_id AND v.id = j.propolis_id
          -- The generation check: what vmm_report_outcome calls applied, spelled out in the statement that writes.
          AND v.state_generation < j.generation AND NOT vmstate.is_absorbing(v.state) AND v.time_deleted IS NULL
          AND j.outcome = 'applied'
    )
    SELECT j.ordinal, j.instance_id, j.propolis_id, j.outcome, NULL::vmstate.outcome, NULL::vmstate.outcome,
        j.outcome = 'applied' AND j.linked AND vmstate.is_absorbing(j.new_state),
        CASE WHEN j.outcome = 'applied' THEN j.new_state ELSE j.old_state END,
        CASE WHEN j.outcome = 'applied' THEN j.generation ELSE j.state_generation END
      FROM judged AS j
      ORDER BY j.ordinal;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.apply_vmm_parts FROM PUBLIC;
COMMENT ON FUNCTION vmstate.apply_vmm_parts IS 'Judges and writes the VMM parts of a batch that names no VMM twice.

Locks the VMMs by id in the one statement that judges them: a VMM that is inserted meanwhile is not_found. The caller has refused VMMs that are on none of p_sleds (NULL: any sled).';
