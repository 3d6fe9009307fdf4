CREATE DOMAIN vmstate.generation AS bigint
  CONSTRAINT exact_in_a_double CHECK (VALUE BETWEEN 1 AND 9007199254740991);
COMMENT ON DOMAIN vmstate.generation IS 'Version of a row, 1 to 2^53-1 so that a JavaScript number holds it exactly. It only rises.';
