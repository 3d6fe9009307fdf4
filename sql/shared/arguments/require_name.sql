CREATE OR REPLACE FUNCTION vmstate.require_name(p_function text, p_name text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  IF char_length(p_name) NOT BETWEEN 1 AND 63 THEN
    PERFORM vmstate.raise_invalid_argument(p_function, 'p_name', format('p_name must have 1 to 63 characters, not %s.', char_length(p_name)));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_name FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_name IS 'Raises VM001 if the name of an instance does not have 1 to 63 characters.';
