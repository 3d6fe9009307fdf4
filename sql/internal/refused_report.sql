CREATE FUNCTION vmstate.refused_report(
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
  v_result vmstate.report_result;
BEGIN
  PERFORM vmstate.require_report('report_vmm', ROW(p_instance_id, p_propolis_id, p_state, p_generation, p_time,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::vmstate.vmm_report);
  SELECT vmstate.vmm_report_outcome(v.state, v.state_generation, v.time_deleted, p_generation),
      NULL, NULL, false, v.state, v.state_generation
    INTO v_result
    FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id;
  v_result.vmm_outcome := coalesce(v_result.vmm_outcome, 'not_found');
  v_result.update_needed := false;
  RETURN v_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.refused_report FROM PUBLIC;
COMMENT ON FUNCTION vmstate.refused_report IS 'Why the VMM part of a report was not written, read in a snapshot newer than the attempt; VM001 if it says nothing a sled agent could say.';
