CREATE OR REPLACE FUNCTION vmstate.request_stop(p_instance_id uuid) RETURNS vmstate.command_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_outcome vmstate.outcome := 'unchanged';
  v_now pg_catalog.timestamptz;
BEGIN
  IF p_instance_id IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('request_stop', 'p_instance_id', 'p_instance_id must not be null.');
  END IF;
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_command_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_command_result('gone', NULL, p_instance_id);
  ELSIF v_instance.state = 'creating' THEN
    RETURN vmstate.to_command_result('conflict', 'creating', p_instance_id);
  END IF;

  v_now := clock_timestamp();
  IF v_instance.intended_state <> 'stopped' THEN
    v_instance.intended_state := 'stopped';
    v_instance.time_modified := v_now;
    v_outcome := 'applied';
  END IF;
  IF v_instance.state = 'failed' THEN
    v_instance.state := 'no_vmm';
    v_instance.state_generation := v_instance.state_generation + 1;
    v_instance.time_state_updated := v_now;
    v_outcome := 'applied';
  END IF;
  IF v_outcome = 'applied' THEN
    UPDATE vmstate.instance AS i
      SET state = v_instance.state,
        state_generation = v_instance.state_generation,
        time_state_updated = v_instance.time_state_updated,
        intended_state = v_instance.intended_state,
        time_modified = v_instance.time_modified
      WHERE i.id = p_instance_id;
  END IF;
  RETURN vmstate.to_command_result(v_outcome, NULL, p_instance_id,
    ARRAY[v_instance.active_propolis_id, v_instance.destination_propolis_id]);
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
