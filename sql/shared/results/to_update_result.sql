CREATE OR REPLACE FUNCTION vmstate.to_update_result(p_outcome vmstate.outcome, p_reason text, p_plan vmstate.instance_plan)
RETURNS vmstate.update_result
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  RETURN ROW(
    p_outcome, p_reason, p_plan.instance_id, p_plan.api_state, p_plan.state, p_plan.state_generation,
    p_plan.active_propolis_id, p_plan.destination_propolis_id, p_plan.migration_id,
    p_plan.updater_generation, p_plan.updater_lease_until,
    p_plan.new_state, p_plan.new_active_propolis_id, p_plan.new_destination_propolis_id,
    p_plan.new_migration_id, p_plan.new_intended_state,
    p_plan.network, p_plan.network_propolis_id,
    p_plan.unlinked_propolis_ids, p_plan.terminate_propolis_ids, p_plan.plan_token, p_plan.updater_id,
    (vmstate.vmm_addresses(ARRAY[p_plan.network_propolis_id], p_plan.active_vmm, p_plan.destination_vmm))[1],
    vmstate.vmm_addresses(p_plan.unlinked_propolis_ids, p_plan.active_vmm, p_plan.destination_vmm),
    vmstate.vmm_addresses(p_plan.terminate_propolis_ids, p_plan.active_vmm, p_plan.destination_vmm)
  )::vmstate.update_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.to_update_result FROM PUBLIC;
COMMENT ON FUNCTION vmstate.to_update_result IS 'Builds the answer of a verb of the update saga from an instance and its plan.

The verb read both once; all columns are null if no instance has the id.';
