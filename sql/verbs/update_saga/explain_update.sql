CREATE OR REPLACE FUNCTION vmstate.explain_update(p_instance_id uuid) RETURNS vmstate.update_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_plan vmstate.instance_plan;
BEGIN
  IF p_instance_id IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('explain_update', 'p_instance_id', 'It is null.');
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
COMMENT ON FUNCTION vmstate.explain_update IS 'The plan as begin_update would answer it now, read only, and who holds the updater lock (updater_id, updater_generation, updater_lease_until; updater_id null: nobody). applied: there is a plan; unchanged: none.';
