CREATE OR REPLACE FUNCTION vmstate.is_absorbing(p_state vmstate.vmm_state) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN p_state IN ('failed', 'destroyed', 'saga_unwound');
REVOKE ALL ON FUNCTION vmstate.is_absorbing FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_absorbing IS 'Tells whether a VMM in this state is dead.

A dead VMM never lives again, and may be deleted once no instance names it.';
