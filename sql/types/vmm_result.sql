CREATE TYPE vmstate.vmm_result AS (
  outcome vmstate.outcome,
  reason text,
  state vmstate.vmm_state,
  state_generation bigint
);
COMMENT ON TYPE vmstate.vmm_result IS 'What a VMM verb answers: the outcome, and the VMM as it stands after the call (nulls when not found).';
