CREATE TYPE vmstate.numbered_verdict AS (
  ordinal integer,
  instance_id uuid,
  propolis_id uuid,
  vmm_outcome vmstate.outcome,
  migration_in_outcome vmstate.outcome,
  migration_out_outcome vmstate.outcome,
  update_needed boolean,
  state vmstate.vmm_state,
  state_generation bigint
);
COMMENT ON TYPE vmstate.numbered_verdict IS 'What became of a report of a batch, with its place there, from 1: a row of vmstate.report_vmms.';
