CREATE TYPE vmstate.command_result AS (
  outcome vmstate.outcome,
  reason text,
  instance_id uuid,
  api_state vmstate.api_instance_state,
  state vmstate.instance_state,
  state_generation bigint,
  active_propolis_id uuid,
  destination_propolis_id uuid,
  migration_id uuid,
  command_propolis_ids uuid[]
);
COMMENT ON TYPE vmstate.command_result IS 'vmstate.instance_result, and the live VMMs whose sled agents must be told.';
