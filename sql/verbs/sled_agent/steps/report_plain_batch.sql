CREATE OR REPLACE FUNCTION vmstate.report_plain_batch(
  p_instance_ids uuid[],
  p_propolis_ids uuid[],
  p_states vmstate.reported_vmm_state[],
  p_generations bigint[],
  p_times timestamptz[],
  p_sleds uuid[],
  p_function text
) RETURNS SETOF vmstate.batch_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_applied bigint[];
  v_update_needed bigint[];
BEGIN
  SELECT a.applied, a.update_needed INTO v_applied, v_update_needed
    FROM vmstate.apply_plain_reports(p_instance_ids, p_propolis_ids, p_states, p_generations, p_times, p_sleds) AS a;
  IF coalesce(cardinality(v_applied), 0) < cardinality(p_propolis_ids) OR v_update_needed IS NOT NULL THEN
    RETURN QUERY SELECT e.* FROM vmstate.explain_plain_reports(
      p_instance_ids, p_propolis_ids, p_states, p_generations, p_times, p_sleds, p_function, v_applied, v_update_needed) AS e;
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.report_plain_batch FROM PUBLIC;
COMMENT ON FUNCTION vmstate.report_plain_batch IS 'Applies a batch that names no VMM twice and no migration.

Answers a row for each report that was not applied, and for each by which a linked VMM died. Every other report was applied, and its VMM stands as reported.';
