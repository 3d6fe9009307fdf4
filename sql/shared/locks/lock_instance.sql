CREATE OR REPLACE FUNCTION vmstate.lock_instance(p_instance_id uuid) RETURNS vmstate.instance
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_instance vmstate.instance;
BEGIN
  SELECT i.* INTO v_instance FROM vmstate.instance AS i WHERE i.id = p_instance_id FOR NO KEY UPDATE;
  RETURN v_instance;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.lock_instance FROM PUBLIC;
COMMENT ON FUNCTION vmstate.lock_instance IS 'Locks an instance row and returns the row as it is then.

All columns are null if no instance has this id. First in the lock order: instance, VMMs by id, migrations by id.';
