CREATE OR REPLACE FUNCTION vmstate.silent_after() RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN interval '1 minute';
REVOKE ALL ON FUNCTION vmstate.silent_after FROM PUBLIC;
COMMENT ON FUNCTION vmstate.silent_after IS 'Returns how long a sled with living VMMs may go unheard: 1 minute.

After that vmstate.silent_sled lists the sled.';
