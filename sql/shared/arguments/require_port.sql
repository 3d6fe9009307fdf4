CREATE OR REPLACE FUNCTION vmstate.require_port(p_function text, p_port integer) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  IF p_port NOT BETWEEN 0 AND 65535 THEN
    PERFORM vmstate.raise_invalid_argument(p_function, 'p_propolis_port', format('p_propolis_port must be from 0 to 65535, not %s.', p_port));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_port FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_port IS 'Raises VM001 if a port is not 0 to 65535.';
