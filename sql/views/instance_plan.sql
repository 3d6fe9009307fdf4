CREATE OR REPLACE VIEW vmstate.instance_plan AS
SELECT
  r.instance_id,
  r.state,
  r.state_generation,
  r.active_propolis_id,
  r.destination_propolis_id,
  r.migration_id,
  r.updater_id,
  r.updater_generation,
  r.updater_lease_until,
  r.active_state,
  r.api_state,
  p.needed,
  p.verdict,
  p.new_state,
  p.new_active_propolis_id,
  p.new_destination_propolis_id,
  p.new_migration_id,
  p.new_intended_state,
  p.network,
  p.network_propolis_id,
  p.unlinked_propolis_ids,
  p.terminate_propolis_ids,
  vmstate.plan_token(
    r.state_generation,
    p.new_active_propolis_id,
    p.new_destination_propolis_id,
    p.new_migration_id,
    p.unlinked_propolis_ids,
    p.terminate_propolis_ids
  ) AS plan_token,
  r.auto_restart_attempts,
  r.active_vmm,
  r.destination_vmm
FROM vmstate.resolved_instance AS r
CROSS JOIN LATERAL vmstate.update_plan(
  r.state,
  r.intended_state,
  r.active_propolis_id,
  r.active_state,
  r.active_was_running,
  r.destination_propolis_id,
  r.destination_vmm_state,
  r.destination_was_running,
  r.migration_id,
  r.active_takes_part,
  r.source_side,
  r.destination_side
) AS p;
COMMENT ON VIEW vmstate.instance_plan IS 'Shows for every instance what the update saga would write to it now.

Calls vmstate.update_plan on each row of vmstate.resolved_instance. For the functions of this schema; no kind of role may read it.';
