CREATE OR REPLACE FUNCTION vmstate.break_update(p_instance_id uuid, p_updater_generation bigint, p_reason text)
RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_verb pg_catalog.text := set_config('vmstate.verb', 'break_update', true);
  v_instance vmstate.instance;
BEGIN
  IF num_nulls(p_instance_id, p_updater_generation, p_reason) > 0 THEN
    PERFORM vmstate.raise_null_argument('break_update', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_updater_generation', p_updater_generation, 'p_reason', p_reason));
  ELSIF btrim(p_reason) = '' THEN
    PERFORM vmstate.raise_invalid_argument('break_update', 'p_reason', 'p_reason must not be empty.');
  END IF;
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_instance_id);
  ELSIF v_instance.updater_id IS NULL AND v_instance.updater_generation >= p_updater_generation THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
  ELSIF v_instance.updater_id IS NULL OR v_instance.updater_generation <> p_updater_generation THEN
    RETURN vmstate.to_instance_result('conflict', 'lock_lost', p_instance_id);
  END IF;

  PERFORM vmstate.release_updater(p_instance_id);
  PERFORM vmstate.record_break(v_instance, p_reason);
  RAISE LOG 'vmstate.break_update: ended updater lock % of instance %, which saga % held: %',
    p_updater_generation, p_instance_id, v_instance.updater_id, p_reason;
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.break_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.break_update IS 'Ends an updater lock for an operator, whoever holds it and for however long.

explain_update shows the fencing token of the lock, which p_updater_generation names. The commit of the saga that held the lock is then conflict/lock_lost. p_reason goes to the log of the server, and to the history as the cause of a change after which the instance is as before.

Outcomes:
- applied: the lock was ended.
- unchanged: that lock has ended before, and no saga holds another.
- conflict/lock_lost: a saga holds another lock by now, or no lock ever had that fencing token.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: an argument is null, or p_reason is empty.';
