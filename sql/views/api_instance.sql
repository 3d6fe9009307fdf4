CREATE OR REPLACE VIEW vmstate.api_instance AS
SELECT
  r.instance_id AS id,
  r.api_state AS state,
  i.project_id,
  i.name,
  i.intended_state,
  i.auto_restart_policy,
  i.auto_restart_cooldown,
  coalesce(r.active_time_updated, i.time_state_updated) AS time_state_updated,
  i.time_created,
  i.time_modified
FROM vmstate.resolved_instance AS r
JOIN vmstate.instance AS i ON i.id = r.instance_id
WHERE i.time_deleted IS NULL;
COMMENT ON VIEW vmstate.api_instance IS 'Instances as the API shows them; deleted ones are hidden. time_state_updated is the active VMM''s, if there is one.';
