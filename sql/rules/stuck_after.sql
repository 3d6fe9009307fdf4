CREATE OR REPLACE FUNCTION vmstate.stuck_after() RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN interval '10 minutes';
REVOKE ALL ON FUNCTION vmstate.stuck_after FROM PUBLIC;
COMMENT ON FUNCTION vmstate.stuck_after IS 'Returns how long an instance may stay in a transitional state: 10 minutes.

After that vmstate.stuck_instance lists the instance.';
