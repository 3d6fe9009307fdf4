CREATE DOMAIN vmstate.generation AS bigint
  CONSTRAINT exact_in_a_double CHECK (VALUE BETWEEN 1 AND 9007199254740991);
COMMENT ON DOMAIN vmstate.generation IS 'Version of a row, 1 to 2^53-1 so that a JavaScript number holds it exactly. It only rises.';

CREATE DOMAIN vmstate.instance_name AS text
  CONSTRAINT between_1_and_63_characters CHECK (char_length(VALUE) BETWEEN 1 AND 63);
COMMENT ON DOMAIN vmstate.instance_name IS 'Name of an instance, 1 to 63 characters.';

CREATE DOMAIN vmstate.port AS integer
  CONSTRAINT between_0_and_65535 CHECK (VALUE BETWEEN 0 AND 65535);
COMMENT ON DOMAIN vmstate.port IS 'TCP port, 0 to 65535.';
