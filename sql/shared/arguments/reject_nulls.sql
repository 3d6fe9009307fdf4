CREATE OR REPLACE FUNCTION vmstate.reject_nulls(p_function text, p_arguments jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
DECLARE
  v_argument pg_catalog.text;
BEGIN
  FOR v_argument IN SELECT a.key FROM jsonb_each(p_arguments) AS a WHERE a.value = 'null' ORDER BY a.key LOOP
    PERFORM vmstate.reject_argument(p_function, v_argument, 'It is null.');
  END LOOP;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.reject_nulls FROM PUBLIC;
COMMENT ON FUNCTION vmstate.reject_nulls IS 'Raises VM001 for the first of the named arguments that is null.';
