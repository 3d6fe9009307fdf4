CREATE FUNCTION vmstate.judge_reports(p_reports vmstate.numbered_report[])
RETURNS TABLE (
  ordinal integer,
  instance_id uuid,
  propolis_id uuid,
  vmm_outcome vmstate.outcome,
  migration_in_outcome vmstate.outcome,
  migration_out_outcome vmstate.outcome,
  update_needed boolean,
  state vmstate.vmm_state,
  state_generation bigint
)
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  FOR v_round IN 1 .. (SELECT coalesce(max(r.round), 0) FROM unnest(p_reports) AS r) LOOP
    RETURN QUERY
      WITH judged AS (
        SELECT r.ordinal, r.report, v.state, v.state_generation, v.time_unlinked IS NULL AS linked,
            vmstate.from_report((r.report).state) AS new_state,
            vmstate.vmm_report_outcome(v.state, v.state_generation, v.time_deleted, (r.report).generation) AS outcome
          FROM unnest(p_reports) AS r
          LEFT JOIN vmstate.vmm AS v ON v.instance_id = (r.report).instance_id AND v.id = (r.report).propolis_id
          WHERE r.round = v_round
      ),
      written AS (
        UPDATE vmstate.vmm AS v
          SET state = j.new_state,
            state_generation = (j.report).generation,
            time_state_updated = (j.report).time,
            time_started = CASE WHEN j.new_state = 'running' THEN coalesce(v.time_started, (j.report).time) ELSE v.time_started END,
            failure_reason = CASE WHEN j.new_state = 'failed' THEN 'sled_agent_report'::vmstate.failure_reason END
          FROM judged AS j
          WHERE v.instance_id = (j.report).instance_id AND v.id = (j.report).propolis_id AND j.outcome = 'applied'
      )
      SELECT j.ordinal, (j.report).instance_id, (j.report).propolis_id, j.outcome,
          s.migration_in_outcome, s.migration_out_outcome,
          coalesce(s.update_needed, false)
            OR (j.outcome = 'applied' AND j.linked AND vmstate.is_absorbing(j.new_state)),
          CASE WHEN j.outcome = 'applied' THEN j.new_state ELSE j.state END,
          CASE WHEN j.outcome = 'applied' THEN (j.report).generation ELSE j.state_generation END
        FROM judged AS j
        LEFT JOIN LATERAL vmstate.report_sides(j.report) AS s
          ON num_nonnulls((j.report).migration_in_id, (j.report).migration_out_id) > 0;
  END LOOP;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.judge_reports FROM PUBLIC;
COMMENT ON FUNCTION vmstate.judge_reports IS 'Judges and writes reports whose rows the caller has locked, each VMM''s in their order: the n-th report of every VMM in the n-th round.';
