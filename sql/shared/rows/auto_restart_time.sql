CREATE OR REPLACE FUNCTION vmstate.auto_restart_time(p_time_last timestamptz, p_cooldown interval, p_attempts integer) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- Adds seconds, at most 3,168 years of them: one cooldown that overflows would fail restartable_instance for all instances.
RETURN to_timestamp((extract(epoch FROM p_time_last)
  + least(extract(epoch FROM vmstate.auto_restart_wait(p_cooldown, p_attempts)), 100000000000))::double precision);
REVOKE ALL ON FUNCTION vmstate.auto_restart_time FROM PUBLIC;
COMMENT ON FUNCTION vmstate.auto_restart_time IS 'Returns from when on the next automatic restart is allowed.

That is the time of the last automatic restart and vmstate.auto_restart_wait after it; null if there was none.';
