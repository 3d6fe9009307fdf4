CREATE OR REPLACE FUNCTION vmstate.delete_instance(p_instance_id uuid) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_verb pg_catalog.text := set_config('vmstate.verb', 'delete_instance', true);
  v_instance vmstate.instance;
  v_plan vmstate.instance_plan;
  v_migration_ids pg_catalog.uuid[];
  v_now pg_catalog.timestamptz;
BEGIN
  IF p_instance_id IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('delete_instance', 'p_instance_id', 'p_instance_id must not be null.');
  END IF;
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
  END IF;
  SELECT array_agg(m.id) INTO v_migration_ids FROM vmstate.migration AS m
    WHERE m.instance_id = p_instance_id AND m.time_deleted IS NULL;
  PERFORM vmstate.lock_links(p_instance_id, ARRAY[v_instance.active_propolis_id, v_instance.destination_propolis_id], v_migration_ids);
  v_plan := vmstate.lock_and_read_plan(v_instance);
  IF v_instance.state = 'vmm' AND v_plan.active_state <> 'saga_unwound' THEN
    RETURN vmstate.to_instance_result('conflict', 'not_stopped', p_instance_id);
  END IF;

  IF v_plan.needed THEN
    v_plan.updater_id := NULL;
    PERFORM vmstate.apply_plan(v_plan, v_instance.updater_generation + 1);
  END IF;
  v_now := clock_timestamp();
  UPDATE vmstate.instance AS i
    SET state = 'destroyed',
      state_generation = i.state_generation + 1,
      time_state_updated = v_now,
      intended_state = 'destroyed',
      updater_id = NULL,
      updater_lease_until = NULL,
      updater_parent_id = NULL,
      time_modified = v_now,
      time_deleted = v_now
    WHERE i.id = p_instance_id;
  PERFORM vmstate.delete_migrations(p_instance_id, NULL);
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.delete_instance FROM PUBLIC;
COMMENT ON FUNCTION vmstate.delete_instance IS 'Soft-deletes an instance that shows creating, stopped or failed.

The migrations of the instance are soft-deleted, too, and a saga_unwound active VMM is unlinked on the way. Allowed under an updater lock: the update saga that holds the lock then gets gone.

Outcomes:
- applied: the instance was deleted.
- unchanged: the instance was deleted before.
- conflict/not_stopped: the instance has an active VMM that is not saga_unwound.
- not_found: no instance has this id.
Errors:
- VM001: p_instance_id is null.';
