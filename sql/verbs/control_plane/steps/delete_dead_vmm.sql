CREATE OR REPLACE FUNCTION vmstate.delete_dead_vmm(p_instance_id uuid, p_propolis_id uuid) RETURNS vmstate.vmm_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_vmm pg_catalog.record;
  v_now pg_catalog.timestamptz;
BEGIN
  SELECT v.state, v.state_generation, v.time_unlinked, v.time_deleted INTO v_vmm
    FROM vmstate.vmm AS v WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN vmstate.to_vmm_result('not_found', NULL, p_instance_id, p_propolis_id);
  ELSIF v_vmm.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_vmm_result('unchanged', NULL, p_instance_id, p_propolis_id);
  ELSIF v_vmm.time_unlinked IS NULL THEN
    RETURN vmstate.to_vmm_result('conflict', 'linked', p_instance_id, p_propolis_id);
  ELSIF NOT vmstate.is_absorbing(v_vmm.state) THEN
    RETURN vmstate.to_vmm_result('conflict', 'not_destroyable', p_instance_id, p_propolis_id);
  END IF;

  v_now := clock_timestamp();
  UPDATE vmstate.vmm AS v SET time_deleted = v_now WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id;
  PERFORM vmstate.delete_migrations(p_instance_id, p_propolis_id);
  RETURN ROW('applied', NULL, v_vmm.state, v_vmm.state_generation)::vmstate.vmm_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.delete_dead_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.delete_dead_vmm IS 'Soft-deletes a VMM if it is dead and no instance names it.

The part of delete_vmm that settle does as well.';
