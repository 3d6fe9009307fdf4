CREATE OR REPLACE FUNCTION vmstate.is_watched(p_state vmstate.vmm_state) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN vmstate.is_on_sled(p_state) AND NOT vmstate.is_absorbing(p_state);
REVOKE ALL ON FUNCTION vmstate.is_watched FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_watched IS 'Tells whether the instance watcher asks the sled about a VMM in this state.';
