CREATE OR REPLACE FUNCTION vmstate.ran_long(p_time_started timestamptz, p_time_reported timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(p_time_reported - p_time_started >= interval '10 minutes', false);
REVOKE ALL ON FUNCTION vmstate.ran_long FROM PUBLIC;
COMMENT ON FUNCTION vmstate.ran_long IS 'Tells whether a VMM ran for 10 minutes, by the clock of the database.

If so, the automatic restarts before it no longer count as a boot loop.';
