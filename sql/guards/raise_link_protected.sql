CREATE OR REPLACE FUNCTION vmstate.raise_link_protected(p_row text, p_actual text, p_attempted text, p_hint text) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'VM104',
    MESSAGE = format('cannot change %s', p_row),
    DETAIL = format('Found: %s. Attempted: %s.', p_actual, p_attempted),
    HINT = p_hint;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.raise_link_protected FROM PUBLIC;
COMMENT ON FUNCTION vmstate.raise_link_protected IS 'Raises VM104 for a change that no writer may make to a row or table.';
