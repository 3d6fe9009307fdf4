CREATE TYPE vmstate.start_result AS (
  outcome vmstate.outcome,
  reason text,
  instance_id uuid,
  api_state vmstate.api_instance_state,
  state vmstate.instance_state,
  state_generation bigint,
  active_propolis_id uuid,
  destination_propolis_id uuid,
  migration_id uuid,
  replaced_propolis_id uuid
);
COMMENT ON TYPE vmstate.start_result IS 'vmstate.instance_result, and the unwound VMM that the new one replaced, if any.';
