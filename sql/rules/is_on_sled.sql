CREATE OR REPLACE FUNCTION vmstate.is_on_sled(p_state vmstate.vmm_state) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN p_state NOT IN ('creating', 'saga_unwound', 'destroyed');
REVOKE ALL ON FUNCTION vmstate.is_on_sled FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_on_sled IS 'Tells whether a VMM in this state may hold resources of its sled.';
