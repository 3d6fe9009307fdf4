CREATE OR REPLACE FUNCTION vmstate.counts_as_running(p_state vmstate.reported_vmm_state, p_is_destination boolean) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE p_state
  WHEN 'running' THEN true
  WHEN 'rebooting' THEN true
  WHEN 'migrating' THEN NOT p_is_destination
  ELSE false
END;
REVOKE ALL ON FUNCTION vmstate.counts_as_running FROM PUBLIC;
COMMENT ON FUNCTION vmstate.counts_as_running IS 'Tells whether a report of this state shows that the guest ran in the VMM.

The guest runs there, or did: agents report the latest state, not each, and a VMM that reboots or migrates away has run. The destination of a migration (p_is_destination) reports migrating before the guest arrives.';
