CREATE OR REPLACE FUNCTION vmstate.raise_foreign_report(
  p_function text,
  p_propolis_id uuid,
  p_sleds uuid[],
  p_where text DEFAULT ''
) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'insufficient_privilege',
    MESSAGE = format('vmstate.%s: this role may not report VMM %s', p_function, p_propolis_id),
    DETAIL = format('%sRole "%s" is bound to %s.', p_where, vmstate.session_role(), coalesce('sled ' || p_sleds[1], 'no sled')),
    HINT = 'Nothing was changed. vmstate.bind_sled_agent binds a role to the sled whose VMMs the role may report.';
END;
$$;
REVOKE ALL ON FUNCTION vmstate.raise_foreign_report FROM PUBLIC;
COMMENT ON FUNCTION vmstate.raise_foreign_report IS 'Raises 42501 for a report of a VMM that the caller may not report.

The error does not say on which sled the VMM is.

Errors:
- 42501: the VMM is on another sled than the caller reports for. Nothing was changed.';
