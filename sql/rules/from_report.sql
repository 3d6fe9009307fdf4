CREATE OR REPLACE FUNCTION vmstate.from_report(p_state vmstate.reported_vmm_state) RETURNS vmstate.vmm_state
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE p_state
  WHEN 'starting' THEN 'starting'::vmstate.vmm_state
  WHEN 'running' THEN 'running'
  WHEN 'stopping' THEN 'stopping'
  WHEN 'stopped' THEN 'stopped'
  WHEN 'rebooting' THEN 'rebooting'
  WHEN 'migrating' THEN 'migrating'
  WHEN 'failed' THEN 'failed'
  WHEN 'destroyed' THEN 'destroyed'
END;
REVOKE ALL ON FUNCTION vmstate.from_report FROM PUBLIC;
COMMENT ON FUNCTION vmstate.from_report IS 'Converts a state that a sled agent reports to a VMM state.';
