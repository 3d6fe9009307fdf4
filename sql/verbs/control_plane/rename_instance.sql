CREATE OR REPLACE FUNCTION vmstate.rename_instance(p_instance_id uuid, p_name text) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_name) > 0 THEN
    PERFORM vmstate.raise_null_argument('rename_instance', jsonb_build_object('p_instance_id', p_instance_id, 'p_name', p_name));
  END IF;
  PERFORM vmstate.require_name('rename_instance', p_name);
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_instance_id);
  ELSIF v_instance.name = p_name THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
  -- Checked before the write: two instances that swap their names would otherwise wait for each other in the unique index.
  ELSIF EXISTS (SELECT FROM vmstate.instance AS i
      WHERE i.project_id = v_instance.project_id AND i.name = p_name AND i.time_deleted IS NULL) THEN
    RETURN vmstate.to_instance_result('conflict', 'name_taken', p_instance_id);
  END IF;

  v_now := clock_timestamp();
  BEGIN
    UPDATE vmstate.instance AS i SET name = p_name, time_modified = v_now WHERE i.id = p_instance_id;
  EXCEPTION
    WHEN unique_violation THEN -- another session took the name after the check above
      RETURN vmstate.to_instance_result('conflict', 'name_taken', p_instance_id);
  END;
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.rename_instance FROM PUBLIC;
COMMENT ON FUNCTION vmstate.rename_instance IS 'Gives an instance another name.

Allowed in every state. Does not raise the generation of the instance. p_name has 1 to 63 characters.

Outcomes:
- applied: the name was written.
- unchanged: the instance has this name already.
- conflict/name_taken: another instance of the project, which is not deleted, has the name.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: an argument is null, or p_name does not have 1 to 63 characters.';
