CREATE OR REPLACE FUNCTION vmstate.is_point_in_time(p_time timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN p_time BETWEEN timestamptz '1970-01-01 00:00+00' AND timestamptz '9999-12-31 00:00+00';
REVOKE ALL ON FUNCTION vmstate.is_point_in_time FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_point_in_time IS 'Whether a sled may have seen something then: within the years 1970 to 9999, so that every client can read it. Infinity is not.';
