CREATE OR REPLACE FUNCTION vmstate.to_api_vmm_state(p_state vmstate.vmm_state) RETURNS vmstate.api_vmm_state
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE p_state
  WHEN 'creating' THEN 'creating'::vmstate.api_vmm_state
  WHEN 'starting' THEN 'starting'
  WHEN 'running' THEN 'running'
  WHEN 'stopping' THEN 'stopping'
  WHEN 'stopped' THEN 'stopped'
  WHEN 'rebooting' THEN 'rebooting'
  WHEN 'migrating' THEN 'migrating'
  WHEN 'failed' THEN 'failed'
  WHEN 'destroyed' THEN 'destroyed'
  WHEN 'saga_unwound' THEN 'destroyed'
END;
REVOKE ALL ON FUNCTION vmstate.to_api_vmm_state FROM PUBLIC;
COMMENT ON FUNCTION vmstate.to_api_vmm_state IS 'Converts a VMM state to what the API shows: saga_unwound appears as destroyed.';
