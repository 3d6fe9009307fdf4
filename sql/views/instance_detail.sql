CREATE OR REPLACE VIEW vmstate.instance_detail AS
SELECT
  i.id,
  vmstate.effective_instance_state(
    i.state,
    a.state,
    vmstate.is_migrating(i.active_propolis_id, m.source_propolis_id, m.destination_propolis_id, d.state)
  ) AS api_state,
  i.state,
  i.state_generation,
  i.intended_state,
  i.project_id,
  i.name,
  i.auto_restart_policy,
  i.auto_restart_cooldown,
  i.active_propolis_id,
  vmstate.to_api_vmm_state(a.state) AS active_api_state,
  a.sled_id AS active_sled_id,
  a.propolis_ip AS active_propolis_ip,
  a.propolis_port AS active_propolis_port,
  i.destination_propolis_id,
  vmstate.to_api_vmm_state(d.state) AS destination_api_state,
  d.sled_id AS destination_sled_id,
  d.propolis_ip AS destination_propolis_ip,
  d.propolis_port AS destination_propolis_port,
  i.migration_id,
  m.source_propolis_id AS migration_source_propolis_id,
  m.source_state AS migration_source_state,
  m.destination_state AS migration_destination_state,
  least(coalesce(a.time_state_updated, i.time_state_updated), statement_timestamp()) AS time_state_updated,
  i.time_created,
  i.time_modified
FROM vmstate.instance AS i
-- Each OFFSET 0 makes the planner look the rows up for one instance at a time: merged, it may scan a table to list one page.
LEFT JOIN LATERAL (
  SELECT v.state, v.sled_id, v.propolis_ip, v.propolis_port, v.time_state_updated
  FROM vmstate.vmm AS v
  WHERE v.instance_id = i.id AND v.id = i.active_propolis_id
  OFFSET 0
) AS a ON true
LEFT JOIN LATERAL (
  SELECT v.state, v.sled_id, v.propolis_ip, v.propolis_port
  FROM vmstate.vmm AS v
  WHERE v.instance_id = i.id AND v.id = i.destination_propolis_id
  OFFSET 0
) AS d ON true
LEFT JOIN LATERAL (
  SELECT n.source_propolis_id, n.destination_propolis_id, n.source_state, n.destination_state
  FROM vmstate.migration AS n
  WHERE n.instance_id = i.id AND n.id = i.migration_id
  OFFSET 0
) AS m ON true
WHERE i.time_deleted IS NULL;
COMMENT ON VIEW vmstate.instance_detail IS 'Shows instances with their VMMs and migration, without deleted instances.

api_state is what the API shows of the instance, and state is what the row has; state_generation is that of the row. The columns active_… say where the active VMM is, and the columns destination_… where the destination VMM is; active_api_state and destination_api_state are states as the API shows them, so saga_unwound appears as destroyed. The columns migration_… are the linked migration, with the state of each side. What is not linked is null. A migration stays linked until the update saga unlinks it, also once it has ended or was unwound: api_state says whether the instance shows migrating. time_state_updated is that of the active VMM, if there is one; a time in the future, from a sled whose clock is ahead, is shown as now.';
