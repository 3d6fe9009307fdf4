CREATE TYPE vmstate.update_result AS (
  outcome vmstate.outcome,
  reason text,
  instance_id uuid,
  api_state vmstate.api_instance_state,
  state vmstate.instance_state,
  state_generation bigint,
  active_propolis_id uuid,
  destination_propolis_id uuid,
  migration_id uuid,
  updater_generation bigint,
  updater_lease_until timestamptz,
  new_state vmstate.instance_state,
  new_active_propolis_id uuid,
  new_destination_propolis_id uuid,
  new_migration_id uuid,
  new_intended_state vmstate.intended_state,
  network text,
  network_propolis_id uuid,
  unlinked_propolis_ids uuid[],
  terminate_propolis_ids uuid[],
  plan_token text
);
COMMENT ON TYPE vmstate.update_result IS 'vmstate.instance_result, the updater lock, and the update plan: the row as it will be, what to do with the network (keep, move, delete; network_propolis_id is where it belongs afterwards), the VMMs that lose their link, those of them to terminate on their sleds, and a token that names this plan.';
