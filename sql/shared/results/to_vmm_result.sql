CREATE OR REPLACE FUNCTION vmstate.to_vmm_result(p_outcome vmstate.outcome, p_reason text, p_instance_id uuid, p_propolis_id uuid)
RETURNS vmstate.vmm_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_result vmstate.vmm_result;
BEGIN
  SELECT p_outcome, p_reason, v.state, v.state_generation
    INTO v_result
    FROM vmstate.vmm AS v
    -- Do not show a row inserted after the lock attempt: the outcome is not_found.
    WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id AND p_outcome <> 'not_found';
  v_result.outcome := p_outcome;
  v_result.reason := p_reason;
  RETURN v_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.to_vmm_result FROM PUBLIC;
COMMENT ON FUNCTION vmstate.to_vmm_result IS 'Builds the answer of a VMM verb, with the VMM as it stands.';
