CREATE OR REPLACE FUNCTION vmstate.revoke_access(p_role name, p_kind vmstate.access_kind, OUT outcome vmstate.outcome)
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_kept pg_catalog.text[];
  v_privilege pg_catalog.text;
  v_object pg_catalog.text;
BEGIN
  IF p_kind IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('revoke_access', 'p_kind', 'p_kind must not be null.');
  END IF;
  PERFORM vmstate.require_role('revoke_access', p_role);
  PERFORM vmstate.require_owner('revoke_access', 'revokes');
  IF EXISTS (SELECT FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'vmstate' AND pg_get_userbyid(n.nspowner) = p_role) THEN
    PERFORM vmstate.raise_invalid_argument('revoke_access', 'p_role',
      format('p_role must not be "%s", the owner of schema vmstate: the functions of the schema run with the rights of the owner.', p_role));
  END IF;
  -- One session at a time: when two sessions grant or revoke on one object at once, PostgreSQL ends the later one with an error.
  PERFORM pg_advisory_xact_lock('vmstate.grant_access'::pg_catalog.regproc::bigint);
  v_kept := array(
    SELECT o.privilege || ' ON ' || o.object
      FROM unnest(vmstate.other_kinds(p_role, p_kind)) AS k, vmstate.access_rights(k) AS o
  );
  outcome := 'unchanged';
  FOR v_privilege, v_object IN
    SELECT r.privilege, r.object
      FROM vmstate.role_access(p_role, p_kind) AS r
      WHERE r.is_held AND r.privilege || ' ON ' || r.object <> ALL (v_kept)
  LOOP
    EXECUTE format('REVOKE %s ON %s FROM %I', v_privilege, v_object, p_role);
    outcome := 'applied';
  END LOOP;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.revoke_access FROM PUBLIC;
COMMENT ON FUNCTION vmstate.revoke_access IS 'Revokes from a role what grant_access gave it for one kind.

Takes effect at once, also in transactions that are under way. What another kind of the role needs stays, where the role has all of that kind and p_kind does not include that kind: control_plane includes the other kinds and operator includes reader, so grant those again if they should stay. What the role has as a member of other roles stays, and so does the binding of a sled agent, which bind_sled_agent ends. For the owner of the schema only.

Outcomes:
- applied: access was taken away.
- unchanged: there was nothing to take away.
Errors:
- VM001: an argument is null, no such role exists, or the role owns the schema.
- 42501: the caller is not the owner of the schema.';
