CREATE OR REPLACE FUNCTION vmstate.explain_update(p_instance_id uuid) RETURNS vmstate.update_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_plan vmstate.instance_plan;
BEGIN
  IF p_instance_id IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('explain_update', 'p_instance_id', 'p_instance_id must not be null.');
  END IF;
  v_plan := vmstate.read_plan(p_instance_id);
  RETURN vmstate.to_update_result(
    CASE
      WHEN v_plan.instance_id IS NULL THEN 'not_found'::vmstate.outcome
      WHEN v_plan.state = 'destroyed' THEN 'gone'
      WHEN v_plan.needed THEN 'applied'
      ELSE 'unchanged'
    END, NULL, v_plan);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.explain_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.explain_update IS 'Shows the update plan that begin_update would answer now, read only.

Also shows who holds the updater lock: updater_id (null: nobody), updater_generation and updater_lease_until.

Outcomes:
- applied: there is a plan to carry out.
- unchanged: there is nothing to update.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: p_instance_id is null.';
