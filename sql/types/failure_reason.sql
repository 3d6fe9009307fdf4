CREATE TYPE vmstate.failure_reason AS ENUM ('sled_agent_report', 'no_such_vmm', 'sled_expunged', 'sled_off', 'operator');
COMMENT ON TYPE vmstate.failure_reason IS 'Why a VMM is failed.';
