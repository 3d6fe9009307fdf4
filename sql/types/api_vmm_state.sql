CREATE TYPE vmstate.api_vmm_state AS ENUM ('creating', 'starting', 'running', 'stopping', 'stopped', 'rebooting', 'migrating', 'failed', 'destroyed');
COMMENT ON TYPE vmstate.api_vmm_state IS 'State of a VMM as the API shows it: saga_unwound appears as destroyed.';
