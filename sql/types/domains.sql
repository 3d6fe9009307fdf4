CREATE DOMAIN vmstate.generation AS bigint
  CONSTRAINT exact_in_a_double CHECK (VALUE BETWEEN 1 AND 9007199254740991);
COMMENT ON DOMAIN vmstate.generation IS 'Numbers the versions of a row, from 1 to 2^53-1; a generation only rises.

A JavaScript number holds every generation exactly.';

CREATE DOMAIN vmstate.instance_name AS text
  CONSTRAINT between_1_and_63_characters CHECK (char_length(VALUE) BETWEEN 1 AND 63);
COMMENT ON DOMAIN vmstate.instance_name IS 'Names an instance, in 1 to 63 characters.';

CREATE DOMAIN vmstate.port AS integer
  CONSTRAINT between_0_and_65535 CHECK (VALUE BETWEEN 0 AND 65535);
COMMENT ON DOMAIN vmstate.port IS 'Numbers a TCP port, 0 to 65535.';
