CREATE TYPE vmstate.numbered_report AS (
  ordinal integer,
  instance_id uuid,
  propolis_id uuid,
  state vmstate.reported_vmm_state,
  generation bigint,
  "time" timestamptz,
  whole vmstate.vmm_report
);
COMMENT ON TYPE vmstate.numbered_report IS 'A report with its place in a batch, from 1; whole is null when it says nothing of a migration.';
