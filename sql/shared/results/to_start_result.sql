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
  v_answer vmstate.instance_result := vmstate.to_instance_result(p_outcome, p_reason, p_instance_id);
BEGIN
  RETURN ROW(v_answer.*, p_replaced_propolis_id)::vmstate.start_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.to_start_result FROM PUBLIC;
COMMENT ON FUNCTION vmstate.to_start_result IS 'Builds the answer of begin_start, with the instance as it stands.';
