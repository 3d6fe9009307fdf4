CREATE OR REPLACE FUNCTION vmstate.lock_vmm(p_instance_id uuid, p_propolis_id uuid) RETURNS vmstate.vmm
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_vmm vmstate.vmm;
BEGIN
  SELECT v.* INTO v_vmm FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id FOR NO KEY UPDATE;
  RETURN v_vmm;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.lock_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.lock_vmm IS 'Locks one VMM and returns the row as it is then.

All columns are null if the instance has no such VMM.';
