CREATE OR REPLACE FUNCTION vmstate.effective_instance_state(
  p_state vmstate.instance_state,
  p_active_state vmstate.vmm_state,
  p_migrating boolean
) RETURNS vmstate.api_instance_state
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE p_state
  WHEN 'creating' THEN 'creating'::vmstate.api_instance_state
  WHEN 'no_vmm' THEN 'stopped'
  WHEN 'failed' THEN 'failed'
  WHEN 'destroyed' THEN 'destroyed'
  WHEN 'vmm' THEN
    CASE
      WHEN p_active_state = 'saga_unwound' THEN 'stopped'::vmstate.api_instance_state
      WHEN p_migrating THEN 'migrating'
      WHEN p_active_state IN ('creating', 'starting') THEN 'starting'
      WHEN p_active_state IN ('stopping', 'stopped', 'failed', 'destroyed') THEN 'stopping'
      WHEN p_active_state = 'running' THEN 'running'
      WHEN p_active_state = 'rebooting' THEN 'rebooting'
      WHEN p_active_state = 'migrating' THEN 'migrating'
    END
END;
REVOKE ALL ON FUNCTION vmstate.effective_instance_state FROM PUBLIC;
COMMENT ON FUNCTION vmstate.effective_instance_state IS 'Derives the state that the user sees from the instance row and its active VMM.

p_migrating says whether the instance is migrating. A dead active VMM shows stopping until the update saga unlinks it; a saga_unwound one shows stopped at once.';
