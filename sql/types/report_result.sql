CREATE TYPE vmstate.report_result AS (
  vmm_outcome vmstate.outcome,
  migration_in_outcome vmstate.outcome,
  migration_out_outcome vmstate.outcome,
  update_needed boolean,
  state vmstate.vmm_state,
  state_generation bigint
);
COMMENT ON TYPE vmstate.report_result IS 'What became of each part of a report (null: not part of it), whether this very report made a linked row terminal so that the update saga has to run, and the VMM as it stands.';
