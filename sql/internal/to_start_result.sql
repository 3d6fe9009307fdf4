CREATE OR REPLACE FUNCTION vmstate.to_start_result(
  p_outcome vmstate.outcome,
  p_reason text,
  p_instance_id uuid,
  p_replaced_propolis_id uuid DEFAULT NULL
) RETURNS vmstate.start_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_result vmstate.start_result;
BEGIN
  SELECT r.*, p_replaced_propolis_id INTO v_result FROM vmstate.to_instance_result(p_outcome, p_reason, p_instance_id) AS r;
  RETURN v_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.to_start_result FROM PUBLIC;
COMMENT ON FUNCTION vmstate.to_start_result IS 'The answer of begin_start.';
