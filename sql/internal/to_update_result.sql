CREATE FUNCTION vmstate.to_update_result(p_outcome vmstate.outcome, p_reason text, p_instance_id uuid)
RETURNS vmstate.update_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_result vmstate.update_result;
BEGIN
  SELECT p_outcome, p_reason, p.instance_id, p.api_state, p.state, p.state_generation,
      p.active_propolis_id, p.destination_propolis_id, p.migration_id,
      p.updater_generation, p.updater_lease_until,
      p.new_state, p.new_active_propolis_id, p.new_destination_propolis_id, p.new_migration_id, p.new_intended_state,
      p.network, p.network_propolis_id, p.unlinked_propolis_ids, p.terminate_propolis_ids, p.plan_token
    INTO v_result
    FROM vmstate.instance_plan AS p
    WHERE p.instance_id = p_instance_id;
  v_result.outcome := p_outcome;
  v_result.reason := p_reason;
  RETURN v_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.to_update_result FROM PUBLIC;
COMMENT ON FUNCTION vmstate.to_update_result IS 'The answer of the update saga''s verbs, with the instance and its plan as they stand.';
