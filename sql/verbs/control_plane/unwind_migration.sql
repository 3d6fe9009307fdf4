CREATE OR REPLACE FUNCTION vmstate.unwind_migration(p_instance_id uuid, p_saga_id uuid, p_migration_id uuid) RETURNS vmstate.vmm_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_verb pg_catalog.text := set_config('vmstate.verb', 'unwind_migration', true);
  v_propolis_id pg_catalog.uuid;
  v_vmm vmstate.vmm;
  v_migration vmstate.migration;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_migration_id) > 0 THEN
    PERFORM vmstate.raise_null_argument('unwind_migration', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id, 'p_migration_id', p_migration_id));
  END IF;
  SELECT m.destination_propolis_id INTO v_propolis_id FROM vmstate.migration AS m
    WHERE m.instance_id = p_instance_id AND m.id = p_migration_id;
  IF v_propolis_id IS NULL THEN
    RETURN vmstate.to_vmm_result('not_found', NULL, p_instance_id, NULL);
  END IF;
  v_vmm := vmstate.lock_vmm(p_instance_id, v_propolis_id);
  PERFORM vmstate.lock_links(p_instance_id, NULL, ARRAY[p_migration_id]);
  SELECT m.* INTO v_migration FROM vmstate.migration AS m WHERE m.instance_id = p_instance_id AND m.id = p_migration_id;

  IF v_migration.time_deleted IS NOT NULL OR v_vmm.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_vmm_result('gone', NULL, p_instance_id, v_propolis_id);
  ELSIF v_migration.saga_id <> p_saga_id THEN
    RETURN vmstate.to_vmm_result('conflict', 'wrong_saga', p_instance_id, v_propolis_id);
  ELSIF NOT vmstate.can_unwind(v_vmm) THEN
    RETURN vmstate.to_vmm_result('unchanged', NULL, p_instance_id, v_propolis_id);
  ELSIF 'completed' IN (v_migration.source_state, v_migration.destination_state) THEN
    RETURN vmstate.to_vmm_result('conflict', 'handed_over', p_instance_id, v_propolis_id);
  END IF;

  v_now := clock_timestamp();
  UPDATE vmstate.migration AS m
    SET source_state = 'failed', source_generation = vmstate.next_generation(m.source_generation), time_source_updated = v_now,
      time_reported = v_now
    WHERE m.instance_id = p_instance_id AND m.id = p_migration_id AND m.source_state <> 'failed';
  UPDATE vmstate.migration AS m
    SET destination_state = 'failed', destination_generation = vmstate.next_generation(m.destination_generation), time_destination_updated = v_now,
      time_reported = v_now
    WHERE m.instance_id = p_instance_id AND m.id = p_migration_id AND m.destination_state <> 'failed';
  PERFORM vmstate.unwind_vmm(p_instance_id, v_propolis_id);
  RETURN vmstate.to_vmm_result('applied', NULL, p_instance_id, v_propolis_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.unwind_migration FROM PUBLIC;
COMMENT ON FUNCTION vmstate.unwind_migration IS 'Undoes begin_migration: the destination VMM becomes saga_unwound.

Undo of a migrate saga. Both sides of the migration become failed in the same transaction. The instance is never written: its state goes on deriving from the active VMM. The columns state and state_generation are those of the destination VMM. Call unwind_migration first, and only then unregister the VMM from its sled.

Outcomes:
- applied: the destination VMM is saga_unwound, and both sides of the migration are failed.
- unchanged: the destination VMM was saga_unwound before, or is dead and no instance names it.
- conflict/wrong_saga: another saga began the migration.
- conflict/handed_over: a side of the migration completed, so the guest may run on the destination.
- gone: the migration or its destination VMM was deleted.
- not_found: the instance has no migration with this id.
Errors:
- VM001: an argument is null.';
