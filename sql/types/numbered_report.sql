CREATE TYPE vmstate.numbered_report AS (
  ordinal integer,
  round integer,
  instance_id uuid,
  propolis_id uuid,
  state vmstate.reported_vmm_state,
  generation bigint,
  "time" timestamptz,
  migration_in_id uuid,
  migration_in_state vmstate.migration_state,
  migration_in_generation bigint,
  migration_in_time timestamptz,
  migration_out_id uuid,
  migration_out_state vmstate.migration_state,
  migration_out_generation bigint,
  migration_out_time timestamptz
);
COMMENT ON TYPE vmstate.numbered_report IS 'A report with its place in a batch, from 1, and how many reports of the same VMM stand up to there.';
