CREATE OR REPLACE FUNCTION vmstate.require_role(p_function text, p_role name) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF p_role IS NULL THEN
    PERFORM vmstate.raise_invalid_argument(p_function, 'p_role', 'p_role must not be null.');
  END IF;
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = p_role) THEN
    PERFORM vmstate.raise_invalid_argument(p_function, 'p_role', format('p_role must name a role; there is no role "%s".', p_role));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_role FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_role IS 'Raises VM001 if a role is null or does not exist.';
