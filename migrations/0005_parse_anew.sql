LOCK TABLE vmstate.instance, vmstate.vmm, vmstate.migration IN EXCLUSIVE MODE;

-- 0005_parse_anew: what becomes of types and tables, and what is dropped; copies from sql/ follow.

-- by hand: sql/decisions/can_unwind.sql as of e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
-- by hand: sql/decisions/holds_updater_lock.sql as of e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855

-- copy of sql/internal/holds_updater_lock.sql
CREATE OR REPLACE FUNCTION vmstate.holds_updater_lock(p_instance vmstate.instance, p_saga_id uuid, p_updater_generation bigint)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  RETURN coalesce(p_instance.updater_id = p_saga_id AND p_instance.updater_generation = p_updater_generation, false);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.holds_updater_lock FROM PUBLIC;
COMMENT ON FUNCTION vmstate.holds_updater_lock IS 'True while the saga is the updater that the fencing token names. A saga still holds an expired lease that no other saga took.';
-- end of sql/internal/holds_updater_lock.sql

-- copy of sql/internal/can_unwind.sql
CREATE OR REPLACE FUNCTION vmstate.can_unwind(p_vmm vmstate.vmm) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  RETURN p_vmm.state <> 'saga_unwound'
    AND NOT (vmstate.is_absorbing(p_vmm.state) AND p_vmm.time_unlinked IS NOT NULL);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.can_unwind FROM PUBLIC;
COMMENT ON FUNCTION vmstate.can_unwind IS 'True unless the VMM is already saga_unwound, or is dead and unlinked.';
-- end of sql/internal/can_unwind.sql

-- copy of sql/internal/to_update_result.sql
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
    p_plan.unlinked_propolis_ids, p_plan.terminate_propolis_ids, p_plan.plan_token
  )::vmstate.update_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.to_update_result FROM PUBLIC;
COMMENT ON FUNCTION vmstate.to_update_result IS 'The answer of the update saga''s verbs: an instance and its plan, as the verb read them once (all null: no such instance).';
-- end of sql/internal/to_update_result.sql

INSERT INTO vmstate.schema_change (number, name, is_breaking) VALUES (5, '0005_parse_anew', false);
