CREATE OR REPLACE VIEW vmstate.api_instance AS
SELECT
  r.instance_id AS id,
  r.api_state AS state,
  r.project_id,
  r.name,
  r.intended_state,
  r.auto_restart_policy,
  r.auto_restart_cooldown,
  least(coalesce(r.active_time_updated, r.time_state_updated), statement_timestamp()) AS time_state_updated,
  r.time_created,
  r.time_modified
FROM vmstate.resolved_instance AS r
WHERE r.time_deleted IS NULL;
COMMENT ON VIEW vmstate.api_instance IS 'Lists instances as the API shows them, without deleted ones.

time_state_updated is that of the active VMM, if there is one; a time in the future, from a sled whose clock is ahead, is shown as now.';
