CREATE TYPE vmstate.reported_vmm_state AS ENUM ('starting', 'running', 'stopping', 'stopped', 'rebooting', 'migrating', 'failed', 'destroyed');
COMMENT ON TYPE vmstate.reported_vmm_state IS 'What a sled agent can say of a VMM: neither creating nor saga_unwound.';
