CREATE OR REPLACE FUNCTION vmstate.can_unwind(p_vmm vmstate.vmm) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (p_vmm).state <> 'saga_unwound'
  AND NOT (vmstate.is_absorbing((p_vmm).state) AND (p_vmm).time_unlinked IS NOT NULL);
REVOKE ALL ON FUNCTION vmstate.can_unwind FROM PUBLIC;
COMMENT ON FUNCTION vmstate.can_unwind IS 'Whether unwinding still means something for this VMM: it is not unwound, nor dead and out of every instance''s sight.';
