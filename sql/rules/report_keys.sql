CREATE OR REPLACE FUNCTION vmstate.report_keys() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY[
  'instance_id', 'propolis_id', 'state', 'generation', 'time',
  'migration_in_id', 'migration_in_state', 'migration_in_generation', 'migration_in_time',
  'migration_out_id', 'migration_out_state', 'migration_out_generation', 'migration_out_time'
];
REVOKE ALL ON FUNCTION vmstate.report_keys FROM PUBLIC;
COMMENT ON FUNCTION vmstate.report_keys IS 'Lists the keys that an element of report_vmms may have.

The keys are the attributes of vmstate.vmm_report.';
