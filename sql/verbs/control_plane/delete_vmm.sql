CREATE OR REPLACE FUNCTION vmstate.delete_vmm(p_instance_id uuid, p_propolis_id uuid) RETURNS vmstate.vmm_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_verb pg_catalog.text := set_config('vmstate.verb', 'delete_vmm', true);
BEGIN
  IF num_nulls(p_instance_id, p_propolis_id) > 0 THEN
    PERFORM vmstate.raise_null_argument('delete_vmm', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_propolis_id', p_propolis_id));
  END IF;
  RETURN vmstate.delete_dead_vmm(p_instance_id, p_propolis_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.delete_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.delete_vmm IS 'Soft-deletes a dead VMM that no instance names.

The work list of such VMMs is vmstate.abandoned_vmm. The migrations that name the VMM and that no instance links are soft-deleted, too.

Outcomes:
- applied: the VMM was deleted.
- unchanged: the VMM was deleted before.
- conflict/linked: an instance still names the VMM.
- conflict/not_destroyable: the VMM is alive: neither failed nor destroyed nor saga_unwound.
- not_found: the instance has no VMM with this id.
Errors:
- VM001: an argument is null.';
