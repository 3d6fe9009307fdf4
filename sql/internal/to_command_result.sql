CREATE OR REPLACE FUNCTION vmstate.to_command_result(
  p_outcome vmstate.outcome,
  p_reason text,
  p_instance_id uuid,
  p_propolis_ids uuid[] DEFAULT '{}'
) RETURNS vmstate.command_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_answer vmstate.instance_result := vmstate.to_instance_result(p_outcome, p_reason, p_instance_id);
  v_ids pg_catalog.uuid[] := '{}';
BEGIN
  IF num_nonnulls(VARIADIC p_propolis_ids) > 0 THEN
    v_ids := array(
      SELECT v.id FROM vmstate.vmm AS v
        WHERE v.instance_id = p_instance_id AND v.id = ANY (p_propolis_ids) AND NOT vmstate.is_absorbing(v.state)
        ORDER BY array_position(p_propolis_ids, v.id));
  END IF;
  RETURN ROW(v_answer.*, v_ids)::vmstate.command_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.to_command_result FROM PUBLIC;
COMMENT ON FUNCTION vmstate.to_command_result IS 'The answer of request_stop and request_reboot: of the named VMMs, those alive are to be commanded, in the order given.';
