CREATE OR REPLACE FUNCTION vmstate.configure_instance(
  p_instance_id uuid,
  p_auto_restart_policy vmstate.auto_restart_policy DEFAULT NULL,
  p_auto_restart_cooldown interval DEFAULT NULL
) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_now pg_catalog.timestamptz;
BEGIN
  IF p_instance_id IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('configure_instance', 'p_instance_id', 'p_instance_id must not be null.');
  END IF;
  PERFORM vmstate.require_cooldown('configure_instance', p_auto_restart_cooldown);
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_instance_id);
  ELSIF (v_instance.auto_restart_policy, v_instance.auto_restart_cooldown)
      IS NOT DISTINCT FROM (p_auto_restart_policy, p_auto_restart_cooldown) THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
  END IF;

  v_now := clock_timestamp();
  UPDATE vmstate.instance AS i
    SET auto_restart_policy = p_auto_restart_policy, auto_restart_cooldown = p_auto_restart_cooldown, time_modified = v_now
    WHERE i.id = p_instance_id;
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.configure_instance FROM PUBLIC;
COMMENT ON FUNCTION vmstate.configure_instance IS 'Sets both parts of the auto-restart configuration of an instance.

Allowed in every state, also under an updater lock. Does not raise the generation of the instance. p_auto_restart_policy NULL restores the default best_effort; p_auto_restart_cooldown NULL restores the default of 5 minutes.

Outcomes:
- applied: the configuration was written.
- unchanged: the instance had this configuration already.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: p_instance_id is null, or p_auto_restart_cooldown is negative or infinite.';
