CREATE OR REPLACE FUNCTION vmstate.require_lease(p_function text, p_lease interval) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  IF p_lease <= interval '0' OR p_lease > interval '1 day'
      -- PostgreSQL compares a month as 30 days: '1 month -29 days' compares as 1 day, but added to a time is -1 to 2 days.
      OR extract(year FROM p_lease) <> 0 OR extract(month FROM p_lease) <> 0 THEN
    PERFORM vmstate.raise_invalid_argument(p_function, 'p_lease', format('p_lease must be more than 0 and at most 1 day, not %s.', p_lease));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_lease FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_lease IS 'Raises VM001 if a lease is not more than 0 and at most 1 day.';
