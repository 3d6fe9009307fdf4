CREATE OR REPLACE FUNCTION vmstate.read_plan(p_instance_id uuid) RETURNS vmstate.instance_plan
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_plan vmstate.instance_plan;
BEGIN
  SELECT p.* INTO v_plan FROM vmstate.instance_plan AS p WHERE p.instance_id = p_instance_id;
  RETURN v_plan;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.read_plan FROM PUBLIC;
COMMENT ON FUNCTION vmstate.read_plan IS 'Reads an instance and its plan in one snapshot.

All columns are null if no instance has this id.';
