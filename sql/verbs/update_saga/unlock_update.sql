CREATE OR REPLACE FUNCTION vmstate.unlock_update(p_instance_id uuid, p_saga_id uuid, p_updater_generation bigint)
RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_updater_generation) > 0 THEN
    PERFORM vmstate.raise_null_argument('unlock_update', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id, 'p_updater_generation', p_updater_generation));
  END IF;
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_instance_id);
  ELSIF v_instance.updater_id IS NULL AND v_instance.updater_generation = p_updater_generation
      AND v_instance.released_updater_id = p_saga_id THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
  ELSIF NOT vmstate.holds_updater_lock(v_instance, p_saga_id, p_updater_generation) THEN
    RETURN vmstate.to_instance_result('conflict', 'lock_lost', p_instance_id);
  END IF;

  PERFORM vmstate.release_updater(p_instance_id);
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.unlock_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.unlock_update IS 'Undoes begin_update: releases the updater lock and applies nothing.

Undo of an update saga.

Outcomes:
- applied: the lock was released.
- unchanged: the lock of this saga was released before, also by its commit.
- conflict/lock_lost: the saga does not hold the lock that p_updater_generation names.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: an argument is null.';
