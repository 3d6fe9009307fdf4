CREATE OR REPLACE FUNCTION vmstate.to_instance_result(p_outcome vmstate.outcome, p_reason text, p_instance_id uuid)
RETURNS vmstate.instance_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_result vmstate.instance_result;
BEGIN
  SELECT p_outcome, p_reason, r.instance_id, r.api_state, r.state, r.state_generation,
      r.active_propolis_id, r.destination_propolis_id, r.migration_id
    INTO v_result
    FROM vmstate.resolved_instance AS r
    -- Do not show a row inserted after the lock attempt: the outcome is not_found.
    WHERE r.instance_id = p_instance_id AND p_outcome <> 'not_found';
  v_result.outcome := p_outcome;
  v_result.reason := p_reason;
  RETURN v_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.to_instance_result FROM PUBLIC;
COMMENT ON FUNCTION vmstate.to_instance_result IS 'Builds the answer of an instance verb, with the instance as it stands.';
