CREATE OR REPLACE FUNCTION vmstate.raise_invalid_transition(p_row text, p_actual text, p_attempted text, p_hint text) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'VM102',
    MESSAGE = format('%s cannot change from %s to %s', p_row, p_actual, p_attempted),
    DETAIL = format('Found: %s. Attempted: %s.', p_actual, p_attempted),
    HINT = p_hint;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.raise_invalid_transition FROM PUBLIC;
COMMENT ON FUNCTION vmstate.raise_invalid_transition IS 'Raises VM102 for a state that cannot follow the present one.';
