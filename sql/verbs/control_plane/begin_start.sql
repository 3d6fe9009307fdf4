CREATE OR REPLACE FUNCTION vmstate.begin_start(
  p_instance_id uuid,
  p_saga_id uuid,
  p_propolis_id uuid,
  p_sled_id uuid,
  p_propolis_ip inet,
  p_propolis_port integer DEFAULT 12400,
  p_start_reason text DEFAULT 'user',
  p_expected_generation bigint DEFAULT NULL
) RETURNS vmstate.start_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_verb pg_catalog.text := set_config('vmstate.verb', 'begin_start', true);
  v_auto_restart boolean := coalesce(p_start_reason = 'auto_restart', false);
  v_instance pg_catalog.record;
  v_active vmstate.vmm;
  v_destination vmstate.vmm;
  v_attempts integer;
  v_reason pg_catalog.text;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_propolis_id, p_sled_id, p_propolis_ip) > 0 THEN
    PERFORM vmstate.raise_null_argument('begin_start', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id, 'p_propolis_id', p_propolis_id,
      'p_sled_id', p_sled_id, 'p_propolis_ip', p_propolis_ip));
  END IF;
  IF p_propolis_port NOT BETWEEN 0 AND 65535 THEN
    PERFORM vmstate.require_port('begin_start', p_propolis_port);
  END IF;
  IF p_start_reason NOT IN ('user', 'auto_restart') THEN
    PERFORM vmstate.raise_invalid_argument('begin_start', 'p_start_reason',
      format('p_start_reason must be ''user'' or ''auto_restart'', not %L.', p_start_reason));
  END IF;

  SELECT i.state, i.state_generation, i.active_propolis_id, i.destination_propolis_id, i.migration_id, i.intended_state,
      i.auto_restart_policy, i.auto_restart_cooldown, i.auto_restart_attempts, i.time_last_auto_restarted,
      i.updater_lease_until, i.time_deleted
    INTO v_instance FROM vmstate.instance AS i WHERE i.id = p_instance_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN vmstate.to_start_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_start_result('gone', NULL, p_instance_id);
  END IF;
  IF v_instance.active_propolis_id IS NOT NULL THEN
    SELECT v.* INTO v_active FROM vmstate.vmm AS v
      WHERE v.instance_id = p_instance_id AND v.id = v_instance.active_propolis_id;
  END IF;

  IF v_instance.destination_propolis_id IS NOT NULL THEN
    SELECT v.* INTO v_destination FROM vmstate.vmm AS v
      WHERE v.instance_id = p_instance_id AND v.id = v_instance.destination_propolis_id;
  END IF;
  v_attempts := CASE
    WHEN vmstate.ran_long(v_active.time_started, v_active.time_reported) THEN 0
    WHEN vmstate.ran_long(v_destination.time_started, v_destination.time_reported) THEN 0
    ELSE v_instance.auto_restart_attempts
  END;
  v_now := clock_timestamp();
  v_reason := CASE
    WHEN v_instance.state = 'creating' THEN 'creating'
    WHEN v_active.state IN ('creating', 'starting', 'running', 'rebooting', 'migrating') THEN 'already_started'
    WHEN v_active.state <> 'saga_unwound' THEN 'not_stopped'
    WHEN v_instance.state_generation <> p_expected_generation THEN 'stale_generation'
  END;
  IF v_auto_restart AND v_reason IS NULL AND NOT vmstate.may_auto_restart(
      v_instance.state, v_active.state, v_instance.intended_state, v_instance.auto_restart_policy,
      vmstate.auto_restart_wait(v_instance.auto_restart_cooldown, v_attempts),
      v_instance.time_last_auto_restarted, v_instance.updater_lease_until, v_now) THEN
    v_reason := 'restart_not_permitted';
  END IF;
  IF v_reason IS NULL
      AND NOT vmstate.insert_vmm(p_instance_id, p_saga_id, p_propolis_id, p_sled_id, p_propolis_ip, p_propolis_port, v_now) THEN
    v_reason := 'propolis_id_taken';
  END IF;
  IF v_reason IS NOT NULL THEN
    -- Looks for a replay last: no VMM that was just inserted was there before.
    RETURN CASE vmstate.replayed_begin(p_instance_id, p_saga_id, p_propolis_id, NULL, NULL)
      WHEN 'gone' THEN vmstate.to_start_result('gone', NULL, p_instance_id)
      WHEN 'unchanged' THEN vmstate.to_start_result('unchanged', NULL, p_instance_id)
      ELSE vmstate.to_start_result('conflict', v_reason, p_instance_id)
    END;
  END IF;

  UPDATE vmstate.instance AS i
    SET state = 'vmm',
      state_generation = i.state_generation + 1,
      time_state_updated = v_now,
      active_propolis_id = p_propolis_id,
      intended_state = 'running',
      auto_restart_attempts = CASE WHEN v_auto_restart THEN least(v_attempts, 2147483646) + 1 ELSE 0 END,
      time_last_auto_restarted = CASE WHEN v_auto_restart THEN v_now ELSE i.time_last_auto_restarted END,
      time_modified = v_now
    WHERE i.id = p_instance_id;
  -- The answer is what was written: nothing is read again. A migration that is still linked does not name the new VMM.
  RETURN ROW('applied', NULL, p_instance_id, vmstate.effective_instance_state('vmm', 'creating', false), 'vmm',
    v_instance.state_generation + 1, p_propolis_id, v_instance.destination_propolis_id, v_instance.migration_id,
    v_instance.active_propolis_id)::vmstate.start_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.begin_start FROM PUBLIC;
COMMENT ON FUNCTION vmstate.begin_start IS 'Starts an instance: inserts its VMM and links it as the active one.

First step of a start saga. The VMM is inserted in state creating, at generation 1; in the same write it replaces NULL or a saga_unwound VMM, which replaced_propolis_id then names. The intent becomes running. A migration that is still linked is left to the next update. p_propolis_port is 12400 if NULL. p_start_reason is user or auto_restart, and user if NULL: an automatic restart adds 1 to auto_restart_attempts, a user''s start resets auto_restart_attempts to 0. p_expected_generation is the generation of the instance; NULL means no check. The same instance, saga and VMM id make a replay.

Outcomes:
- applied: the VMM was inserted and linked.
- unchanged: the same saga and VMM id were given before; nothing was written.
- conflict/creating: the instance is still being created; finish_instance_creation comes first.
- conflict/already_started: the active VMM is creating, starting, running, rebooting or migrating.
- conflict/not_stopped: the active VMM is stopping, stopped, failed or destroyed, and the update saga has yet to unlink that VMM.
- conflict/stale_generation: the generation of the instance is not p_expected_generation.
- conflict/restart_not_permitted: the intent, the policy, vmstate.auto_restart_wait or the updater lock forbids the automatic restart; a user''s start never gets this reason.
- conflict/propolis_id_taken: a VMM with the id p_propolis_id exists, also when this saga inserted and has unwound that VMM.
- gone: the instance was deleted, or a replay names a VMM that was deleted.
- not_found: no instance has this id.
Errors:
- VM001: an argument without a default is null, p_propolis_port is not 0 to 65535, or p_start_reason is neither user nor auto_restart.';
