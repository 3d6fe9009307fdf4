CREATE OR REPLACE FUNCTION vmstate.grant_access(p_role name, p_kind vmstate.access_kind, OUT outcome vmstate.outcome)
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_privilege pg_catalog.text;
  v_object pg_catalog.text;
BEGIN
  IF p_kind IS NULL THEN
    PERFORM vmstate.reject_argument('grant_access', 'p_kind', 'It is null.');
  END IF;
  PERFORM vmstate.require_role('grant_access', p_role);
  IF NOT pg_has_role((SELECT n.nspowner FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'vmstate'), 'USAGE') THEN
    -- to others, GRANT would only say in a warning that it granted nothing
    RAISE EXCEPTION USING
      ERRCODE = 'insufficient_privilege',
      MESSAGE = 'vmstate.grant_access: only the owner of schema vmstate grants access',
      DETAIL = format('Role "%s" is not.', current_user),
      HINT = 'Nothing was changed. Call it as the role that applied the migrations.';
  END IF;
  -- of two sessions that grant on one object, PostgreSQL fails the later one
  PERFORM pg_advisory_xact_lock('vmstate.grant_access'::pg_catalog.regproc::bigint);
  outcome := 'unchanged';
  FOR v_privilege, v_object IN
    SELECT r.privilege, r.object
      FROM vmstate.access_rights(p_kind) AS r
      WHERE NOT EXISTS (
        SELECT FROM aclexplode(r.acl) AS a
          JOIN pg_catalog.pg_roles AS g ON g.oid = a.grantee
          WHERE g.rolname = p_role AND a.privilege_type = r.privilege
      )
  LOOP
    EXECUTE format('GRANT %s ON %s TO %I', v_privilege, v_object, p_role);
    outcome := 'applied';
  END LOOP;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.grant_access FROM PUBLIC;
COMMENT ON FUNCTION vmstate.grant_access IS 'Gives a role all that one kind of role needs. control_plane: every verb, every public view. sled_agent: report_vmm and report_vmms, of the VMMs of the sled that bind_sled_agent names; of views it reads schema_version only. reader: every public view, and explain_update. No kind may touch a table. A role may have several kinds. unchanged: it had all of it already. For the owner of the schema only, with whose rights it runs; call it again after a migration, which may bring new functions and views. REVOKE takes away. VM001: no such role, nulls.';
