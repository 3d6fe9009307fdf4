CREATE OR REPLACE FUNCTION vmstate.finish_instance_creation(p_id uuid) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_verb pg_catalog.text := set_config('vmstate.verb', 'finish_instance_creation', true);
  v_instance vmstate.instance;
  v_now pg_catalog.timestamptz;
BEGIN
  IF p_id IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('finish_instance_creation', 'p_id', 'p_id must not be null.');
  END IF;
  v_instance := vmstate.lock_instance(p_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_id);
  ELSIF v_instance.state <> 'creating' THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_id);
  END IF;

  v_now := clock_timestamp();
  UPDATE vmstate.instance AS i
    SET state = 'no_vmm', state_generation = i.state_generation + 1, time_state_updated = v_now
    WHERE i.id = p_id;
  RETURN vmstate.to_instance_result('applied', NULL, p_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.finish_instance_creation FROM PUBLIC;
COMMENT ON FUNCTION vmstate.finish_instance_creation IS 'Ends the creation of an instance: its state creating becomes no_vmm.

Outcomes:
- applied: the instance is created and may be started.
- unchanged: the creation of the instance ended before.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: p_id is null.';
