CREATE TYPE vmstate.intended_state AS ENUM ('running', 'stopped', 'guest_shutdown', 'destroyed');
COMMENT ON TYPE vmstate.intended_state IS 'What the instance should be: the user''s wish, or guest_shutdown after the guest ended its VM itself.';
