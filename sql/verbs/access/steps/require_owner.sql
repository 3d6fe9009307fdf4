CREATE OR REPLACE FUNCTION vmstate.require_owner(p_function text, p_deed text) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF NOT pg_has_role((SELECT n.nspowner FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'vmstate'), 'USAGE') THEN
    RAISE EXCEPTION USING
      ERRCODE = 'insufficient_privilege',
      MESSAGE = format('vmstate.%s: only the owner of schema vmstate %s access', p_function, p_deed),
      DETAIL = format('Role "%s" does not have the rights of the owner.', current_user),
      HINT = format('Nothing was changed. Call vmstate.%s as the role that applied the schema migrations.', p_function);
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_owner FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_owner IS 'Raises 42501 unless the caller is the owner of schema vmstate or a member of it.

To any other role GRANT and REVOKE would say only in a warning that they did nothing.

Errors:
- 42501: the caller of grant_access or revoke_access is not the owner of the schema. Nothing was changed.';
