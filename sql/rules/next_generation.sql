CREATE OR REPLACE FUNCTION vmstate.next_generation(p_generation bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN least(p_generation + 1, 9007199254740991);
REVOKE ALL ON FUNCTION vmstate.next_generation FROM PUBLIC;
COMMENT ON FUNCTION vmstate.next_generation IS 'Returns the generation that follows p_generation.

2^53-1 is followed by itself, so that a row whose generation a sled agent set to 2^53-1 can still end.';
