CREATE FUNCTION vmstate.explain_update(p_instance_id uuid) RETURNS vmstate.update_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
DECLARE
  v_outcome vmstate.outcome;
BEGIN
  PERFORM vmstate.require_arguments('explain_update', jsonb_build_object('p_instance_id', p_instance_id));
  SELECT CASE WHEN p.state = 'destroyed' THEN 'gone' WHEN p.needed THEN 'applied' ELSE 'unchanged' END
    INTO v_outcome
    FROM vmstate.instance_plan AS p
    WHERE p.instance_id = p_instance_id;
  RETURN vmstate.to_update_result(coalesce(v_outcome, 'not_found'), NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.explain_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.explain_update IS 'The plan as begin_update would answer it now, read only. applied: there is one; unchanged: none.';
