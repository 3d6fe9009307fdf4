CREATE TYPE vmstate.api_instance_state AS ENUM ('creating', 'starting', 'running', 'stopping', 'stopped', 'rebooting', 'migrating', 'failed', 'destroyed');
COMMENT ON TYPE vmstate.api_instance_state IS 'State of an instance as the API shows it.';
