CREATE OR REPLACE FUNCTION vmstate.request_reboot(p_instance_id uuid) RETURNS vmstate.command_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_verb pg_catalog.text := set_config('vmstate.verb', 'request_reboot', true);
  v_instance vmstate.instance;
  v_api_state vmstate.api_instance_state;
  v_outcome vmstate.outcome := 'unchanged';
  v_now pg_catalog.timestamptz;
BEGIN
  IF p_instance_id IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('request_reboot', 'p_instance_id', 'p_instance_id must not be null.');
  END IF;
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_command_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_command_result('gone', NULL, p_instance_id);
  END IF;
  SELECT r.api_state INTO v_api_state FROM vmstate.resolved_instance AS r WHERE r.instance_id = p_instance_id;
  IF v_api_state NOT IN ('starting', 'running', 'rebooting', 'migrating') THEN
    RETURN vmstate.to_command_result('conflict', 'not_running', p_instance_id);
  END IF;

  IF v_instance.intended_state <> 'running' THEN
    v_now := clock_timestamp();
    UPDATE vmstate.instance AS i SET intended_state = 'running', time_modified = v_now WHERE i.id = p_instance_id;
    v_outcome := 'applied';
  END IF;
  RETURN vmstate.to_command_result(v_outcome, NULL, p_instance_id, ARRAY[v_instance.active_propolis_id]);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.request_reboot FROM PUBLIC;
COMMENT ON FUNCTION vmstate.request_reboot IS 'Records that the user wants the guest rebooted: the intent becomes running.

Allowed while the instance shows starting, running, rebooting or migrating. command_propolis_ids names the active VMM, if that VMM is alive: tell its sled agent to reboot the guest, also when the outcome is unchanged.

Outcomes:
- applied: the intent became running.
- unchanged: the intent was running already; command the VMM all the same.
- conflict/not_running: the instance shows none of the four states; nothing was written.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: p_instance_id is null.';
