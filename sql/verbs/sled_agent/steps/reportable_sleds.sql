CREATE OR REPLACE FUNCTION vmstate.reportable_sleds() RETURNS uuid[]
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  -- PostgreSQL refuses UNLISTEN where it runs the functions of one role in the session of another, for example those of an
  -- index during ANALYZE. session_role would name the wrong role there.
  UNLISTEN vmstate;
  IF vmstate.reports_any_sled() THEN
    RETURN NULL;
  END IF;
  RETURN array(SELECT b.sled_id FROM vmstate.sled_agent_binding AS b WHERE b.role = vmstate.session_role());
END;
$$;
REVOKE ALL ON FUNCTION vmstate.reportable_sleds FROM PUBLIC;
COMMENT ON FUNCTION vmstate.reportable_sleds IS 'Lists the sleds whose VMMs the caller may report.

NULL, which means any sled, for a role that may declare every VMM dead with fail_vmm; else the sled that the role is bound to, or none.';
