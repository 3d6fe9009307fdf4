CREATE OR REPLACE FUNCTION vmstate.run_update(p_instance_id uuid, p_saga_id uuid) RETURNS vmstate.update_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_verb pg_catalog.text := set_config('vmstate.verb', 'run_update', true);
BEGIN
  IF p_instance_id IS NULL OR p_saga_id IS NULL THEN
    PERFORM vmstate.raise_null_argument('run_update', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id));
  END IF;
  RETURN vmstate.update_instance(p_instance_id, p_saga_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.run_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.run_update IS 'Plans and commits an update of an instance in one call.

For callers that have nothing to do between plan and commit. Answers the columns of begin_update, with the plan that was applied. Terminate the VMMs in terminate_propolis_ids afterwards; until then vmstate.orphaned_vmm lists them.

Outcomes:
- applied: the plan was written.
- unchanged: there is nothing to update, and the saga holds no lock.
- conflict/locked: another saga holds an unexpired lease.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: an argument is null.';
