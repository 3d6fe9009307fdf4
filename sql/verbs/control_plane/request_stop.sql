CREATE OR REPLACE FUNCTION vmstate.request_stop(p_instance_id uuid) RETURNS vmstate.command_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_verb pg_catalog.text := set_config('vmstate.verb', 'request_stop', true);
  v_instance pg_catalog.record;
  v_outcome vmstate.outcome := 'unchanged';
  v_vmm pg_catalog.record;
  v_is_alive boolean;
  v_now pg_catalog.timestamptz;
BEGIN
  IF p_instance_id IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('request_stop', 'p_instance_id', 'p_instance_id must not be null.');
  END IF;
  SELECT i.state, i.state_generation, i.active_propolis_id, i.destination_propolis_id, i.migration_id, i.intended_state, i.time_deleted
    INTO v_instance FROM vmstate.instance AS i WHERE i.id = p_instance_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN vmstate.to_command_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_command_result('gone', NULL, p_instance_id);
  ELSIF v_instance.state = 'creating' THEN
    RETURN vmstate.to_command_result('conflict', 'creating', p_instance_id);
  END IF;

  v_now := clock_timestamp();
  IF v_instance.state = 'failed' THEN
    UPDATE vmstate.instance AS i
      SET state = 'no_vmm',
        state_generation = i.state_generation + 1,
        time_state_updated = v_now,
        intended_state = 'stopped',
        time_modified = CASE WHEN i.intended_state <> 'stopped' THEN v_now ELSE i.time_modified END
      WHERE i.id = p_instance_id;
    v_outcome := 'applied';
  ELSIF v_instance.intended_state <> 'stopped' THEN
    -- Names no column that a guard watches, so that no guard is called.
    UPDATE vmstate.instance AS i SET intended_state = 'stopped', time_modified = v_now WHERE i.id = p_instance_id;
    v_outcome := 'applied';
  END IF;
  IF v_instance.active_propolis_id IS NULL OR v_instance.migration_id IS NOT NULL THEN
    RETURN vmstate.to_command_result(v_outcome, NULL, p_instance_id,
      ARRAY[v_instance.active_propolis_id, v_instance.destination_propolis_id]);
  END IF;

  -- Answers from the locked instance and its one VMM, as to_command_result would.
  SELECT v.state, v.sled_id, v.propolis_ip, v.propolis_port INTO v_vmm
    FROM vmstate.vmm AS v WHERE v.instance_id = p_instance_id AND v.id = v_instance.active_propolis_id;
  v_is_alive := NOT vmstate.is_absorbing(v_vmm.state);
  RETURN ROW(v_outcome, NULL, p_instance_id, vmstate.effective_instance_state(v_instance.state, v_vmm.state, false),
    v_instance.state, v_instance.state_generation, v_instance.active_propolis_id, NULL, NULL,
    CASE WHEN v_is_alive THEN ARRAY[v_instance.active_propolis_id] ELSE '{}' END,
    CASE WHEN v_is_alive THEN
      ARRAY[ROW(v_instance.active_propolis_id, v_vmm.sled_id, v_vmm.propolis_ip, v_vmm.propolis_port)::vmstate.vmm_address]
    ELSE '{}' END)::vmstate.command_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.request_stop FROM PUBLIC;
COMMENT ON FUNCTION vmstate.request_stop IS 'Records that the user wants the instance stopped: the intent becomes stopped.

Allowed in every state but creating. An instance in state failed becomes no_vmm, which raises its generation. command_propolis_ids names the live VMMs, the active one first and during a migration both: tell their sled agents to stop the guest, also when the outcome is unchanged.

Outcomes:
- applied: the intent became stopped, or the state failed became no_vmm.
- unchanged: the intent was stopped already; command the VMMs all the same.
- conflict/creating: the instance is still being created; nothing was written.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: p_instance_id is null.';
