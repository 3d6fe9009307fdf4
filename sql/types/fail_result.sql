CREATE TYPE vmstate.fail_result AS (
  outcome vmstate.outcome,
  reason text,
  state vmstate.vmm_state,
  state_generation bigint,
  update_needed boolean
);
COMMENT ON TYPE vmstate.fail_result IS 'vmstate.vmm_result, and whether the update saga has to run because an instance still names the VMM.';
