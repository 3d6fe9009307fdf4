CREATE OR REPLACE FUNCTION vmstate.raise_null_argument(p_function text, p_arguments jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
DECLARE
  v_argument pg_catalog.text;
BEGIN
  FOR v_argument IN SELECT a.key FROM jsonb_each(p_arguments) AS a WHERE a.value = 'null' ORDER BY a.key LOOP
    PERFORM vmstate.raise_invalid_argument(p_function, v_argument, format('%s must not be null.', v_argument));
  END LOOP;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.raise_null_argument FROM PUBLIC;
COMMENT ON FUNCTION vmstate.raise_null_argument IS 'Raises VM001 for the first by name of the arguments that are null.';
