CREATE OR REPLACE FUNCTION vmstate.is_replaceable(p_instance_id uuid, p_propolis_id uuid) RETURNS boolean
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF p_propolis_id IS NULL THEN
    RETURN true;
  END IF;
  RETURN EXISTS (SELECT FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id AND v.state = 'saga_unwound');
END;
$$;
REVOKE ALL ON FUNCTION vmstate.is_replaceable FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_replaceable IS 'Tells whether a link may be replaced: it is NULL or names a saga_unwound VMM.';
