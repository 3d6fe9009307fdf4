CREATE OR REPLACE FUNCTION vmstate.require_cooldown(p_function text, p_cooldown interval) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  IF p_cooldown < interval '0' OR NOT isfinite(p_cooldown) THEN
    PERFORM vmstate.raise_invalid_argument(p_function, 'p_auto_restart_cooldown', format('p_auto_restart_cooldown must be at least 0 and finite, not %s.', p_cooldown));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_cooldown FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_cooldown IS 'Raises VM001 if a cooldown is negative or infinite.';
