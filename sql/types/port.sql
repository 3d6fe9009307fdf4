CREATE DOMAIN vmstate.port AS integer
  CONSTRAINT between_0_and_65535 CHECK (VALUE BETWEEN 0 AND 65535);
COMMENT ON DOMAIN vmstate.port IS 'TCP port, 0 to 65535.';
