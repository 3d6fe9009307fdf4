CREATE OR REPLACE FUNCTION vmstate.run_planned_update(p_instance_id uuid, p_saga_id uuid) RETURNS vmstate.update_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_instance vmstate.instance;
  v_plan vmstate.instance_plan;
BEGIN
  v_instance := vmstate.lock_instance(p_instance_id);
  v_plan := vmstate.lock_and_read_plan(v_instance);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_update_result('not_found', NULL, NULL);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_update_result('gone', NULL, v_plan);
  ELSIF v_instance.updater_id <> p_saga_id AND v_instance.updater_lease_until > clock_timestamp() THEN
    RETURN vmstate.to_update_result('conflict', 'locked', v_plan);
  END IF;

  IF NOT v_plan.needed THEN
    IF v_instance.updater_id = p_saga_id THEN
      PERFORM vmstate.release_updater(p_instance_id);
      v_plan.updater_id := NULL;
      v_plan.updater_lease_until := NULL;
    END IF;
    RETURN vmstate.to_update_result('unchanged', NULL, v_plan);
  END IF;

  v_plan.updater_id := p_saga_id;
  PERFORM vmstate.apply_plan(v_plan, v_instance.updater_generation + 1);
  SELECT r.api_state, r.state, r.state_generation, r.active_propolis_id, r.destination_propolis_id, r.migration_id,
      r.updater_id, r.updater_generation, r.updater_lease_until
    INTO v_plan.api_state, v_plan.state, v_plan.state_generation, v_plan.active_propolis_id,
      v_plan.destination_propolis_id, v_plan.migration_id, v_plan.updater_id, v_plan.updater_generation, v_plan.updater_lease_until
    FROM vmstate.resolved_instance AS r
    WHERE r.instance_id = p_instance_id;
  RETURN vmstate.to_update_result('applied', NULL, v_plan);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.run_planned_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.run_planned_update IS 'Plans and commits an update of an instance, whatever its links.

The general way of run_update, which decides the commonest case on two rows.';
