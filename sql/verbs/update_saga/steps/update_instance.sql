CREATE OR REPLACE FUNCTION vmstate.update_instance(p_instance_id uuid, p_saga_id uuid) RETURNS vmstate.update_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_instance pg_catalog.record;
  v_vmm pg_catalog.record;
  v_now pg_catalog.timestamptz;
BEGIN
  -- Decides the commonest update on two rows, because reading the plan costs more than the update does: no migration is linked,
  -- no saga holds the updater lock, and the active VMM is dead. run_planned_update decides all others.
  SELECT i.active_propolis_id AS active_id, i.intended_state, i.auto_restart_attempts,
      (i.state_generation + 1)::vmstate.generation AS generation,
      (i.updater_generation + 1)::vmstate.generation AS updater_generation,
      vmstate.plan_token(i.state_generation, NULL, NULL, NULL, ARRAY[i.active_propolis_id], '{}') AS plan_token
    INTO v_instance
    FROM vmstate.instance AS i
    WHERE i.id = p_instance_id AND i.active_propolis_id IS NOT NULL AND i.migration_id IS NULL AND i.updater_id IS NULL
    FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN vmstate.run_planned_update(p_instance_id, p_saga_id);
  END IF;
  -- Says for a dead VMM without a migration what update_plan decides; a test compares both for every input.
  SELECT v.sled_id, v.propolis_ip, v.propolis_port,
      CASE WHEN v.state = 'failed' THEN 'failed'::vmstate.instance_state ELSE 'no_vmm'::vmstate.instance_state END AS new_state,
      CASE WHEN v.state = 'failed' THEN vmstate.effective_instance_state('failed', NULL, false)
        ELSE vmstate.effective_instance_state('no_vmm', NULL, false) END AS api_state,
      CASE WHEN v.state = 'destroyed' AND v_instance.intended_state = 'running' THEN 'guest_shutdown'::vmstate.intended_state
        ELSE v_instance.intended_state END AS intended_state,
      CASE WHEN vmstate.ran_long(v.time_started, v.time_reported) THEN 0 ELSE v_instance.auto_restart_attempts END AS attempts
    INTO v_vmm
    FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = v_instance.active_id AND vmstate.is_absorbing(v.state)
      -- Whether the guest of any other destroyed VMM ran depends on the migrations that led to that VMM.
      AND (v.state <> 'destroyed' OR v.time_started IS NOT NULL)
    FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN vmstate.run_planned_update(p_instance_id, p_saga_id);
  END IF;

  v_now := clock_timestamp();
  UPDATE vmstate.instance AS i
    SET state = v_vmm.new_state,
      state_generation = v_instance.generation,
      time_state_updated = v_now,
      active_propolis_id = NULL,
      intended_state = v_vmm.intended_state,
      updater_generation = v_instance.updater_generation,
      updater_parent_id = NULL,
      released_updater_id = p_saga_id,
      committed_updater_generation = v_instance.updater_generation,
      committed_updater_id = p_saga_id,
      committed_plan_token = v_instance.plan_token,
      auto_restart_attempts = v_vmm.attempts
    WHERE i.id = p_instance_id;
  -- The answer is what the UPDATE has written: nothing is read again.
  RETURN ROW(
    'applied', NULL, p_instance_id, v_vmm.api_state, v_vmm.new_state, v_instance.generation,
    NULL, NULL, NULL,
    v_instance.updater_generation, NULL,
    v_vmm.new_state, NULL, NULL, NULL, v_vmm.intended_state,
    'delete', NULL,
    ARRAY[v_instance.active_id], '{}', v_instance.plan_token, NULL,
    NULL, ARRAY[ROW(v_instance.active_id, v_vmm.sled_id, v_vmm.propolis_ip, v_vmm.propolis_port)::vmstate.vmm_address], '{}'
  )::vmstate.update_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.update_instance FROM PUBLIC;
COMMENT ON FUNCTION vmstate.update_instance IS 'Plans and commits an update of an instance: first the commonest kind.

The part of run_update that settle does as well.';
