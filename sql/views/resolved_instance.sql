CREATE OR REPLACE VIEW vmstate.resolved_instance AS
SELECT
  i.id AS instance_id,
  i.project_id,
  i.name,
  i.state,
  i.state_generation,
  i.time_state_updated,
  i.active_propolis_id,
  i.destination_propolis_id,
  i.migration_id,
  i.intended_state,
  i.auto_restart_policy,
  i.auto_restart_cooldown,
  i.time_last_auto_restarted,
  i.updater_id,
  i.updater_generation,
  i.updater_lease_until,
  i.committed_updater_generation,
  i.time_created,
  i.time_modified,
  i.time_deleted,
  a.state AS active_state,
  a.sled_id AS active_sled_id,
  a.time_state_updated AS active_time_updated,
  -- A VMM that was made for a migration becomes active only when a running guest has moved to it, even if no report said running.
  a.time_started IS NOT NULL OR CASE
    WHEN m.destination_propolis_id = a.id THEN 'completed' IN (m.source_state, m.destination_state)
    ELSE a.migration_id IS NOT NULL OR EXISTS (
      SELECT FROM vmstate.migration AS c WHERE c.instance_id = i.id AND c.destination_propolis_id = a.id
    )
  END AS active_was_running,
  d.state AS destination_vmm_state,
  d.time_state_updated AS destination_time_updated,
  d.time_started IS NOT NULL OR coalesce(m.destination_propolis_id = d.id AND 'completed' IN (m.source_state, m.destination_state), false)
    AS destination_was_running,
  i.active_propolis_id IN (m.source_propolis_id, m.destination_propolis_id) AS active_takes_part,
  m.source_state AS source_side,
  m.destination_state AS destination_side,
  m.time_source_updated,
  m.time_destination_updated,
  vmstate.effective_instance_state(
    i.state,
    a.state,
    vmstate.is_migrating(i.active_propolis_id, m.source_propolis_id, m.destination_propolis_id, d.state)
  ) AS api_state,
  vmstate.last_heard(a.time_reported, a.time_state_updated, statement_timestamp()) AS active_last_heard,
  vmstate.last_heard(d.time_reported, d.time_state_updated, statement_timestamp()) AS destination_last_heard,
  m.time_reported AS migration_last_heard,
  CASE
    WHEN vmstate.ran_long(a.time_started, a.time_reported) OR vmstate.ran_long(d.time_started, d.time_reported) THEN 0
    ELSE i.auto_restart_attempts
  END AS auto_restart_attempts,
  i.time_updater_released,
  CASE WHEN a.id IS NOT NULL THEN ROW(a.id, a.sled_id, a.propolis_ip, a.propolis_port)::vmstate.vmm_address END AS active_vmm,
  CASE WHEN d.id IS NOT NULL THEN ROW(d.id, d.sled_id, d.propolis_ip, d.propolis_port)::vmstate.vmm_address END AS destination_vmm
FROM vmstate.instance AS i
LEFT JOIN vmstate.vmm AS a ON a.instance_id = i.id AND a.id = i.active_propolis_id
LEFT JOIN vmstate.vmm AS d ON d.instance_id = i.id AND d.id = i.destination_propolis_id
LEFT JOIN vmstate.migration AS m ON m.instance_id = i.id AND m.id = i.migration_id;
COMMENT ON VIEW vmstate.resolved_instance IS 'Shows every instance with its VMMs, its migration and the state that follows.

The active VMM, the destination VMM and the linked migration stand side by side. For the functions of this schema and for people; services read vmstate.api_instance.';
