CREATE TYPE vmstate.instance_state AS ENUM ('creating', 'no_vmm', 'vmm', 'failed', 'destroyed');
COMMENT ON TYPE vmstate.instance_state IS 'State of an instance row. While it is vmm, what the user sees derives from its VMMs: vmstate.effective_instance_state.';
