CREATE OR REPLACE FUNCTION vmstate.to_command_result(
  p_outcome vmstate.outcome,
  p_reason text,
  p_instance_id uuid,
  p_propolis_ids uuid[] DEFAULT '{}'
) RETURNS vmstate.command_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_result vmstate.command_result;
BEGIN
  -- One statement, so that the state shown and the VMMs to command come from one snapshot.
  SELECT p_outcome, p_reason, r.instance_id, r.api_state, r.state, r.state_generation,
      r.active_propolis_id, r.destination_propolis_id, r.migration_id,
      commanded.propolis_ids, vmstate.vmm_addresses(commanded.propolis_ids, r.active_vmm, r.destination_vmm)
    INTO v_result
    FROM vmstate.resolved_instance AS r
    CROSS JOIN LATERAL (SELECT array_remove(ARRAY[
        CASE WHEN r.active_propolis_id = ANY (p_propolis_ids)
          AND NOT vmstate.is_absorbing(r.active_state) THEN r.active_propolis_id END,
        CASE WHEN r.destination_propolis_id = ANY (p_propolis_ids) AND r.destination_propolis_id <> r.active_propolis_id
          AND NOT vmstate.is_absorbing(r.destination_vmm_state) THEN r.destination_propolis_id END
      ], NULL) AS propolis_ids) AS commanded
    -- Do not show a row inserted after the lock attempt: the outcome is not_found.
    WHERE r.instance_id = p_instance_id AND p_outcome <> 'not_found';
  v_result.outcome := p_outcome;
  v_result.reason := p_reason;
  v_result.command_propolis_ids := coalesce(v_result.command_propolis_ids, '{}');
  v_result.command_vmms := coalesce(v_result.command_vmms, '{}');
  RETURN v_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.to_command_result FROM PUBLIC;
COMMENT ON FUNCTION vmstate.to_command_result IS 'Builds the answer of request_stop and request_reboot.

The answer names those of p_propolis_ids that are alive, the active one first: the caller commands them.';
