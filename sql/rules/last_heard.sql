CREATE OR REPLACE FUNCTION vmstate.last_heard(p_time_reported timestamptz, p_time_state_updated timestamptz, p_now timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(p_time_reported, CASE WHEN p_time_state_updated IS NOT NULL THEN least(p_time_state_updated, p_now) END);
REVOKE ALL ON FUNCTION vmstate.last_heard FROM PUBLIC;
COMMENT ON FUNCTION vmstate.last_heard IS 'Tells since when there has been no news of a VMM, by the clock of the database.

A VMM without a report has only the time of its state, which a sled may have written: a time in the future counts as now. NULL if there is no VMM.';
