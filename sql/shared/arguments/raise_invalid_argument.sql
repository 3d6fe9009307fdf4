CREATE OR REPLACE FUNCTION vmstate.raise_invalid_argument(p_function text, p_argument text, p_problem text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'VM001',
    MESSAGE = format('vmstate.%s: invalid argument %s', p_function, p_argument),
    DETAIL = CASE WHEN length(p_problem) > 500 THEN left(p_problem, 500) || '...' ELSE p_problem END,
    HINT = format(E'Nothing was changed. Arguments: \\df+ vmstate.%s, or docs/reference.md.', p_function);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.raise_invalid_argument FROM PUBLIC;
COMMENT ON FUNCTION vmstate.raise_invalid_argument IS 'Raises VM001 for an invalid argument.

Errors:
- VM001: the caller passed an argument that the function does not take. Nothing was changed.';
