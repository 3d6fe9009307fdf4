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
  v_result vmstate.command_result;
BEGIN
  SELECT r.*, array(
      SELECT v.id FROM vmstate.vmm AS v
        WHERE v.instance_id = p_instance_id AND v.id = ANY (p_propolis_ids) AND NOT vmstate.is_absorbing(v.state)
        ORDER BY (SELECT min(p.place) FROM unnest(p_propolis_ids) WITH ORDINALITY AS p (id, place) WHERE p.id = v.id)
    )
    INTO v_result
    FROM vmstate.to_instance_result(p_outcome, p_reason, p_instance_id) AS r;
  RETURN v_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.to_command_result FROM PUBLIC;
COMMENT ON FUNCTION vmstate.to_command_result IS 'The answer of request_stop and request_reboot: of the named VMMs, those alive are to be commanded, in the order given.';
