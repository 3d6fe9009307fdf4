CREATE OR REPLACE FUNCTION vmstate.explain_update(p_instance_id uuid) RETURNS vmstate.update_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
DECLARE
  v_plan vmstate.instance_plan;
BEGIN
  PERFORM vmstate.require_arguments('explain_update', jsonb_build_object('p_instance_id', p_instance_id));
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
COMMENT ON FUNCTION vmstate.explain_update IS 'The plan as begin_update would answer it now, read only. applied: there is one; unchanged: none.';
