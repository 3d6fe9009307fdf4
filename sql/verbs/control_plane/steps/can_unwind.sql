CREATE OR REPLACE FUNCTION vmstate.can_unwind(p_vmm vmstate.vmm) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  RETURN p_vmm.state <> 'saga_unwound'
    AND NOT (vmstate.is_absorbing(p_vmm.state) AND p_vmm.time_unlinked IS NOT NULL);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.can_unwind FROM PUBLIC;
COMMENT ON FUNCTION vmstate.can_unwind IS 'Tells whether a VMM can be unwound.

True unless the VMM is already saga_unwound, or is dead and unlinked.';
