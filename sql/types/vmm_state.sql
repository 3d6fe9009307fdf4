CREATE TYPE vmstate.vmm_state AS ENUM ('creating', 'starting', 'running', 'stopping', 'stopped', 'rebooting', 'migrating', 'failed', 'destroyed', 'saga_unwound');
COMMENT ON TYPE vmstate.vmm_state IS 'State of a VMM. failed, destroyed and saga_unwound are absorbing. saga_unwound is set only by an unwinding start or migrate saga and never leaves the database.';
