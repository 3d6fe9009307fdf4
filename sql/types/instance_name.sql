CREATE DOMAIN vmstate.instance_name AS text
  CONSTRAINT between_1_and_63_characters CHECK (char_length(VALUE) BETWEEN 1 AND 63);
COMMENT ON DOMAIN vmstate.instance_name IS 'Name of an instance, 1 to 63 characters.';
