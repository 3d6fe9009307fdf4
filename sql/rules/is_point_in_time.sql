CREATE OR REPLACE FUNCTION vmstate.is_point_in_time(p_time timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN p_time BETWEEN timestamptz '1970-01-01 00:00+00' AND timestamptz '9999-12-31 00:00+00';
REVOKE ALL ON FUNCTION vmstate.is_point_in_time FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_point_in_time IS 'Tells whether a time is within the years 1970 to 9999.

A sled can have seen something only then, and every client can read such a time. Infinity is no point in time.';
