CREATE OR REPLACE FUNCTION vmstate.role_access(p_role name, p_kind vmstate.access_kind)
RETURNS TABLE (privilege text, object text, is_held boolean)
LANGUAGE plpgsql STABLE
SET search_path = ''
AS $$
BEGIN
  RETURN QUERY
    SELECT r.privilege, r.object, EXISTS (
        SELECT FROM aclexplode(r.acl) AS a
          JOIN pg_catalog.pg_roles AS g ON g.oid = a.grantee
          WHERE g.rolname = p_role AND a.privilege_type = r.privilege
      )
      FROM vmstate.access_rights(p_kind) AS r;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.role_access FROM PUBLIC;
COMMENT ON FUNCTION vmstate.role_access IS 'Lists what a kind of role needs, and whether the role itself was granted that.

What the role has as a member of other roles does not count.';
