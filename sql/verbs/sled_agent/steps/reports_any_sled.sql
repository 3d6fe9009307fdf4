CREATE OR REPLACE FUNCTION vmstate.reports_any_sled() RETURNS boolean
LANGUAGE sql
-- The type regproc makes the function a constant of the plan: no call looks up its name.
RETURN has_function_privilege(vmstate.session_role(), 'vmstate.fail_vmm'::regproc, 'EXECUTE');
REVOKE ALL ON FUNCTION vmstate.reports_any_sled FROM PUBLIC;
COMMENT ON FUNCTION vmstate.reports_any_sled IS 'Tells whether the caller may report the VMMs of every sled.

That is a role which may declare every VMM dead with fail_vmm. The verb that asks has run UNLISTEN before.';
