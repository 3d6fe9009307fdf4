CREATE OR REPLACE FUNCTION vmstate.create_instance(
  p_id uuid,
  p_project_id uuid,
  p_name text,
  p_intended_state vmstate.intended_state,
  p_auto_restart_policy vmstate.auto_restart_policy DEFAULT NULL,
  p_auto_restart_cooldown interval DEFAULT NULL
) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_verb pg_catalog.text := set_config('vmstate.verb', 'create_instance', true);
  v_now pg_catalog.timestamptz := clock_timestamp();
  v_project_id pg_catalog.uuid;
  v_time_deleted pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_id, p_project_id, p_name, p_intended_state) > 0 THEN
    PERFORM vmstate.raise_null_argument('create_instance', jsonb_build_object(
      'p_id', p_id, 'p_project_id', p_project_id, 'p_name', p_name, 'p_intended_state', p_intended_state));
  END IF;
  PERFORM vmstate.require_name('create_instance', p_name);
  IF p_intended_state NOT IN ('running', 'stopped') THEN
    PERFORM vmstate.raise_invalid_argument('create_instance', 'p_intended_state',
      format('p_intended_state must be running or stopped, not %s.', p_intended_state));
  END IF;
  PERFORM vmstate.require_cooldown('create_instance', p_auto_restart_cooldown);

  INSERT INTO vmstate.instance (id, project_id, name, intended_state, auto_restart_policy, auto_restart_cooldown,
      time_state_updated, time_created, time_modified)
    VALUES (p_id, p_project_id, p_name, p_intended_state, p_auto_restart_policy, p_auto_restart_cooldown,
      v_now, v_now, v_now)
    ON CONFLICT DO NOTHING;
  IF FOUND THEN
    RETURN vmstate.to_instance_result('applied', NULL, p_id);
  END IF;

  SELECT i.project_id, i.time_deleted INTO v_project_id, v_time_deleted FROM vmstate.instance AS i WHERE i.id = p_id;
  IF v_project_id IS NULL THEN
    RETURN vmstate.to_instance_result('conflict', 'name_taken', NULL);
  ELSIF v_project_id <> p_project_id THEN
    RETURN vmstate.to_instance_result('conflict', 'instance_id_taken', NULL);
  ELSIF v_time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_id);
  END IF;
  RETURN vmstate.to_instance_result('unchanged', NULL, p_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.create_instance FROM PUBLIC;
COMMENT ON FUNCTION vmstate.create_instance IS 'Creates an instance in state creating.

The saga that creates the instance calls finish_instance_creation at its end. p_name has 1 to 63 characters. p_intended_state is running or stopped. p_auto_restart_policy NULL means best_effort, p_auto_restart_cooldown NULL means 5 minutes. The same id in the same project makes a replay, whatever the other arguments are.

Outcomes:
- applied: the instance was created.
- unchanged: the project has an instance with this id already; nothing was written.
- conflict/name_taken: another instance of the project, which is not deleted, has the name.
- conflict/instance_id_taken: an instance of another project has the id.
- gone: the project had an instance with this id, and that instance was deleted.
Errors:
- VM001: an argument without a default is null, p_name does not have 1 to 63 characters, p_intended_state is neither running nor stopped, or p_auto_restart_cooldown is negative or infinite.';
