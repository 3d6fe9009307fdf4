CREATE FUNCTION vmstate.is_point_in_time(p_time timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN p_time BETWEEN timestamptz '0001-01-02 00:00+00' AND timestamptz '9999-12-31 00:00+00';
REVOKE ALL ON FUNCTION vmstate.is_point_in_time FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_point_in_time IS 'Whether a sled may have seen something then: within the years 1 to 9999 in every time zone, so that every client can read it. Infinity is not.';
