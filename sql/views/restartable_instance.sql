CREATE OR REPLACE VIEW vmstate.restartable_instance AS
SELECT c.instance_id, r.api_state, r.state_generation, r.time_last_auto_restarted
FROM (
  SELECT i.id
  FROM vmstate.instance AS i
  WHERE i.state IN ('no_vmm', 'failed') AND i.intended_state = 'running'
    AND i.auto_restart_policy IS DISTINCT FROM 'never'
    AND coalesce(i.time_deleted, 'infinity') = 'infinity' AND least(i.time_deleted, 'infinity') = 'infinity'
  UNION ALL
  SELECT i.id
  FROM vmstate.vmm AS v
  JOIN vmstate.instance AS i ON i.id = v.instance_id AND i.active_propolis_id = v.id
  WHERE v.state <> 'running' AND v.time_unlinked IS NULL AND v.time_deleted IS NULL
    AND v.state = 'saga_unwound'
    AND coalesce(v.time_deleted, 'infinity') = 'infinity' AND least(v.time_deleted, 'infinity') = 'infinity'
) AS c (instance_id)
CROSS JOIN LATERAL (
  SELECT r.api_state, r.state_generation, r.time_last_auto_restarted
  FROM vmstate.resolved_instance AS r
  WHERE r.instance_id = c.instance_id
    AND vmstate.may_auto_restart(r.state, r.active_state, r.intended_state, r.auto_restart_policy,
      r.auto_restart_cooldown, r.time_last_auto_restarted, r.updater_lease_until, statement_timestamp())
  OFFSET 0
) AS r;
COMMENT ON VIEW vmstate.restartable_instance IS 'Work list: instances that should run, do not, and may be restarted now. Call begin_start with p_start_reason auto_restart, which checks once more.';
