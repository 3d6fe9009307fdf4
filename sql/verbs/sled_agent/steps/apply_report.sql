CREATE OR REPLACE FUNCTION vmstate.apply_report(
  p_instance_id uuid,
  p_propolis_id uuid,
  p_state vmstate.reported_vmm_state,
  p_generation bigint,
  p_time timestamptz
) RETURNS vmstate.report_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_sleds pg_catalog.uuid[] := vmstate.reportable_sleds();
  v_now pg_catalog.timestamptz := clock_timestamp();
  v_state vmstate.vmm_state;
  v_runs boolean;
  v_runs_as_destination boolean;
  v_result vmstate.report_result;
BEGIN
  v_state := vmstate.from_report(p_state);
  v_runs := vmstate.counts_as_running(p_state, false);
  v_runs_as_destination := vmstate.counts_as_running(p_state, true);
  LOOP
    UPDATE vmstate.vmm AS v
      SET state = v_state,
        state_generation = p_generation,
        time_state_updated = p_time,
        time_reported = v_now,
        time_started = CASE WHEN (v.migration_id IS NULL AND v_runs) OR v_runs_as_destination
          THEN coalesce(v.time_started, v_now) ELSE v.time_started END,
        failure_reason = CASE WHEN p_state = 'failed' THEN 'sled_agent_report'::vmstate.failure_reason END
      WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id
        -- The generation check: what vmm_report_outcome calls applied, spelled out in the statement that writes.
        AND v.state_generation < p_generation AND NOT vmstate.is_absorbing(v.state) AND v.time_deleted IS NULL
        AND (v_sleds IS NULL OR v.sled_id = ANY (v_sleds))
        AND p_state IS NOT NULL AND vmstate.is_point_in_time(p_time) AND p_generation <= 9007199254740991
      RETURNING 'applied'::vmstate.outcome, NULL::vmstate.outcome, NULL::vmstate.outcome,
        v.time_unlinked IS NULL AND vmstate.is_absorbing(v.state), v.state, v.state_generation::bigint
      INTO v_result;
    EXIT WHEN FOUND;
    v_result := vmstate.explain_refused_report(p_instance_id, p_propolis_id, p_state, p_generation, p_time, v_sleds);
    -- The outcome applied means that the VMM was inserted after the UPDATE: try again.
    EXIT WHEN v_result.vmm_outcome <> 'applied';
  END LOOP;
  RETURN v_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.apply_report FROM PUBLIC;
COMMENT ON FUNCTION vmstate.apply_report IS 'Judges and writes the VMM part of a report.

As report_vmm does, for settle: a verb that settle called would name itself in the history. For the sleds that the caller may report.';
