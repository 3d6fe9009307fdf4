CREATE OR REPLACE FUNCTION vmstate.unwind_start(p_instance_id uuid, p_saga_id uuid, p_propolis_id uuid) RETURNS vmstate.vmm_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_verb pg_catalog.text := set_config('vmstate.verb', 'unwind_start', true);
  v_vmm vmstate.vmm;
  v_reason pg_catalog.text;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_propolis_id) > 0 THEN
    PERFORM vmstate.raise_null_argument('unwind_start', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id, 'p_propolis_id', p_propolis_id));
  END IF;
  v_vmm := vmstate.lock_vmm(p_instance_id, p_propolis_id);
  IF v_vmm.id IS NULL THEN
    RETURN vmstate.to_vmm_result('not_found', NULL, p_instance_id, p_propolis_id);
  ELSIF v_vmm.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_vmm_result('gone', NULL, p_instance_id, p_propolis_id);
  ELSIF v_vmm.saga_id <> p_saga_id THEN
    RETURN vmstate.to_vmm_result('conflict', 'wrong_saga', p_instance_id, p_propolis_id);
  END IF;

  PERFORM vmstate.lock_migrations_of_vmm(p_instance_id, p_propolis_id);
  IF vmstate.is_destination(p_instance_id, p_propolis_id) THEN
    v_reason := 'migration_destination';
  ELSIF NOT vmstate.can_unwind(v_vmm) THEN
    RETURN vmstate.to_vmm_result('unchanged', NULL, p_instance_id, p_propolis_id);
  ELSIF vmstate.is_handed_over(v_vmm) THEN
    v_reason := 'handed_over';
  END IF;
  IF v_reason IS NOT NULL THEN
    RETURN vmstate.to_vmm_result('conflict', v_reason, p_instance_id, p_propolis_id);
  END IF;

  PERFORM vmstate.unwind_vmm(p_instance_id, p_propolis_id);
  RETURN vmstate.to_vmm_result('applied', NULL, p_instance_id, p_propolis_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.unwind_start FROM PUBLIC;
COMMENT ON FUNCTION vmstate.unwind_start IS 'Undoes begin_start: the VMM becomes saga_unwound.

Undo of a start saga. A VMM is unwound from any live state, and from failed or destroyed while an instance still names the VMM. The instance is never written, so a running update keeps its generation; the instance shows stopped from then on. Call unwind_start first, and only then unregister the VMM from its sled.

Outcomes:
- applied: the VMM is saga_unwound.
- unchanged: the VMM was saga_unwound before, or is dead and no instance names it.
- conflict/wrong_saga: another saga inserted the VMM.
- conflict/migration_destination: a migration has the VMM as its destination; use unwind_migration.
- conflict/handed_over: the guest of the VMM has moved to another VMM.
- gone: the VMM was deleted.
- not_found: the instance has no VMM with this id.
Errors:
- VM001: an argument is null.';
