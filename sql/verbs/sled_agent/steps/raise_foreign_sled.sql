CREATE OR REPLACE FUNCTION vmstate.raise_foreign_sled(p_function text, p_sled_id uuid, p_sleds uuid[]) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'insufficient_privilege',
    MESSAGE = format('vmstate.%s: this role may not report sled %s', p_function, p_sled_id),
    DETAIL = format('Role "%s" is bound to %s.', vmstate.session_role(), coalesce('sled ' || p_sleds[1], 'no sled')),
    HINT = 'Nothing was changed. vmstate.bind_sled_agent binds a role to the sled that the role may report.';
END;
$$;
REVOKE ALL ON FUNCTION vmstate.raise_foreign_sled FROM PUBLIC;
COMMENT ON FUNCTION vmstate.raise_foreign_sled IS 'Raises 42501 for a report of a sled that the caller may not report.

Errors:
- 42501: the caller is bound to another sled, or to none. Nothing was changed.';
