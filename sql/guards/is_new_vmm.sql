CREATE OR REPLACE FUNCTION vmstate.is_new_vmm(p_instance_id uuid, p_propolis_id uuid) RETURNS boolean
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RETURN EXISTS (SELECT FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id AND v.state = 'creating' AND v.time_unlinked IS NOT NULL);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.is_new_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_new_vmm IS 'Tells whether a VMM of the instance is new: still creating, and not linked.';
