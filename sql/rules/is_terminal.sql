CREATE OR REPLACE FUNCTION vmstate.is_terminal(p_state vmstate.migration_state) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN p_state IN ('failed', 'completed');
REVOKE ALL ON FUNCTION vmstate.is_terminal FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_terminal IS 'Tells whether a migration side in this state has ended and never changes again.';
