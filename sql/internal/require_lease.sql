CREATE FUNCTION vmstate.require_lease(p_function text, p_lease interval) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  IF p_lease <= interval '0' OR NOT isfinite(p_lease) THEN
    PERFORM vmstate.reject_argument(p_function, 'p_lease', format('It is %s, not a positive, finite time.', p_lease));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_lease FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_lease IS 'Raises VM001 for a lease that is not positive and finite.';
