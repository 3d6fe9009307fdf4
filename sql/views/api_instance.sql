CREATE OR REPLACE VIEW vmstate.api_instance AS
SELECT
  d.id,
  d.api_state AS state,
  d.project_id,
  d.name,
  d.intended_state,
  d.auto_restart_policy,
  d.auto_restart_cooldown,
  d.time_state_updated,
  d.time_created,
  d.time_modified
FROM vmstate.instance_detail AS d;
COMMENT ON VIEW vmstate.api_instance IS 'Lists instances as the API shows them, without deleted ones.

time_state_updated is that of the active VMM, if there is one; a time in the future, from a sled whose clock is ahead, is shown as now.';
