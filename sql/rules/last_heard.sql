CREATE OR REPLACE FUNCTION vmstate.last_heard(p_time_reported timestamptz, p_time_state_updated timestamptz, p_now timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(p_time_reported, CASE WHEN p_time_state_updated IS NOT NULL THEN least(p_time_state_updated, p_now) END);
REVOKE ALL ON FUNCTION vmstate.last_heard FROM PUBLIC;
COMMENT ON FUNCTION vmstate.last_heard IS 'Since when a VMM has had no news, by the clock of the database. A VMM without a report has only its state''s time, which a sled may have written: if that is in the future, it counts as now. NULL where there is no VMM.';
