CREATE TYPE vmstate.instance_result AS (
  outcome vmstate.outcome,
  reason text,
  instance_id uuid,
  api_state vmstate.api_instance_state,
  state vmstate.instance_state,
  state_generation bigint,
  active_propolis_id uuid,
  destination_propolis_id uuid,
  migration_id uuid
);
COMMENT ON TYPE vmstate.instance_result IS 'What an instance verb answers: the outcome, and the instance as it stands after the call (nulls when not found).';
