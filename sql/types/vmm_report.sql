CREATE TYPE vmstate.vmm_report AS (
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
COMMENT ON TYPE vmstate.vmm_report IS 'One report of a sled agent, as vmstate.report_vmms takes it: the arguments of vmstate.report_vmm without p_.';
