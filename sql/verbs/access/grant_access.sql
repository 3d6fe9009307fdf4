CREATE OR REPLACE FUNCTION vmstate.grant_access(p_role name, p_kind vmstate.access_kind, OUT outcome vmstate.outcome)
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_privilege pg_catalog.text;
  v_object pg_catalog.text;
BEGIN
  IF p_kind IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('grant_access', 'p_kind', 'p_kind must not be null.');
  END IF;
  PERFORM vmstate.require_role('grant_access', p_role);
  PERFORM vmstate.require_owner('grant_access', 'grants');
  -- One session at a time: when two sessions grant on one object at once, PostgreSQL ends the later one with an error.
  PERFORM pg_advisory_xact_lock('vmstate.grant_access'::pg_catalog.regproc::bigint);
  outcome := 'unchanged';
  FOR v_privilege, v_object IN
    SELECT r.privilege, r.object FROM vmstate.role_access(p_role, p_kind) AS r WHERE NOT r.is_held
  LOOP
    EXECUTE format('GRANT %s ON %s TO %I', v_privilege, v_object, p_role);
    outcome := 'applied';
  END LOOP;
EXCEPTION
  WHEN program_limit_exceeded THEN
    RAISE EXCEPTION USING
      ERRCODE = 'program_limit_exceeded',
      MESSAGE = format('vmstate.grant_access: the access list of %s has no room for role "%s"', v_object, p_role),
      DETAIL = format('PostgreSQL keeps the list in one row of at most 8 kB: %s.', SQLERRM),
      HINT = 'Nothing was changed. Call grant_access once for a group role that cannot log in, and GRANT the group role to the other roles. revoke_access removes a role from the list.';
END;
$$;
REVOKE ALL ON FUNCTION vmstate.grant_access FROM PUBLIC;
COMMENT ON FUNCTION vmstate.grant_access IS 'Grants a role all that one kind of role needs.

control_plane: every verb and every public view. sled_agent: report_vmm, report_vmms and report_vmm_batch, of the VMMs of the sled that bind_sled_agent names, report_sled of that sled, and the view schema_version. reader: every public view, explain_update, instances_in_state and instance_at. operator: what a reader has, and maintain_history. No kind may touch a table. A role may have several kinds. Members of the role have its access, too: for many sleds, grant once to a group role, since PostgreSQL has room for about 2,400 roles on one object. Call grant_access again after a migration of the schema, which may bring new functions and views. revoke_access takes the access away. For the owner of the schema only, with whose rights grant_access runs.

Outcomes:
- applied: the role was granted what it lacked.
- unchanged: the role had all of the kind already.
Errors:
- VM001: an argument is null, or no such role exists.
- 42501: the caller is not the owner of the schema.
- 54000: PostgreSQL has no room for one more role on an object.';
