CREATE OR REPLACE FUNCTION vmstate.commit_update(
  p_instance_id uuid,
  p_saga_id uuid,
  p_updater_generation bigint,
  p_plan_token text
) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_verb pg_catalog.text := set_config('vmstate.verb', 'commit_update', true);
  v_instance vmstate.instance;
  v_plan vmstate.instance_plan;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_updater_generation, p_plan_token) > 0 THEN
    PERFORM vmstate.raise_null_argument('commit_update', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id,
      'p_updater_generation', p_updater_generation, 'p_plan_token', p_plan_token));
  END IF;
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_instance_id);
  ELSIF v_instance.committed_updater_generation = p_updater_generation
      AND v_instance.committed_updater_id = p_saga_id AND v_instance.committed_plan_token = p_plan_token THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
  ELSIF NOT vmstate.holds_updater_lock(v_instance, p_saga_id, p_updater_generation) THEN
    RETURN vmstate.to_instance_result('conflict', 'lock_lost', p_instance_id);
  END IF;

  v_plan := vmstate.lock_and_read_plan(v_instance);
  IF v_plan.plan_token <> p_plan_token THEN
    RETURN vmstate.to_instance_result(
      'conflict',
      CASE
        WHEN v_plan.state_generation::pg_catalog.text <> substring(p_plan_token FROM '^([0-9]+)[.]') THEN 'stale_generation'
        ELSE 'plan_changed'
      END,
      p_instance_id);
  END IF;

  PERFORM vmstate.apply_plan(v_plan, p_updater_generation);
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.commit_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.commit_update IS 'Writes the plan that p_plan_token names and releases the updater lock.

Last step of an update saga. The ids are written exactly as planned. State and intent are decided at the commit, so a VMM that was unwound meanwhile counts as unwound, and a user''s stop is never overwritten. A lease that expired and that no other saga took over still commits. After stale_generation or plan_changed, plan again with begin_update.

Outcomes:
- applied: the plan was written and the lock released.
- unchanged: this saga committed this plan with this fencing token before.
- conflict/lock_lost: the saga does not hold the lock that p_updater_generation names; also for another saga or another plan with the fencing token of a committed update. Nothing was written.
- conflict/stale_generation: a start or a migration replaced an unwound VMM meanwhile. Nothing was written.
- conflict/plan_changed: other ids would be written, or other VMMs unlinked or to terminate. Nothing was written.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: an argument is null.';
