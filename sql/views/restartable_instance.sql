CREATE OR REPLACE VIEW vmstate.restartable_instance AS
SELECT
  c.instance_id,
  vmstate.effective_instance_state(c.state, c.active_state, false) AS api_state,
  c.state_generation,
  c.time_last_auto_restarted,
  greatest(c.time_state_updated, c.active_last_heard, c.updater_lease_until, c.time_updater_released,
    vmstate.auto_restart_time(c.time_last_auto_restarted, c.auto_restart_cooldown, c.auto_restart_attempts)) AS since,
  c.auto_restart_attempts,
  coalesce(vmstate.auto_restart_time(c.time_last_auto_restarted, c.auto_restart_cooldown, c.auto_restart_attempts),
    c.time_state_updated) AS time_next_auto_restart
FROM (
  SELECT i.id AS instance_id, i.state, NULL::vmstate.vmm_state AS active_state, NULL::timestamptz AS active_last_heard,
    i.state_generation, i.time_state_updated, i.intended_state, i.auto_restart_policy, i.auto_restart_cooldown,
    i.auto_restart_attempts, i.time_last_auto_restarted, i.updater_lease_until, i.time_updater_released
  FROM vmstate.instance AS i
  WHERE i.state IN ('no_vmm', 'failed') AND i.intended_state = 'running'
    AND i.auto_restart_policy IS DISTINCT FROM 'never'
    AND coalesce(i.time_deleted, 'infinity') = 'infinity' AND least(i.time_deleted, 'infinity') = 'infinity'
  UNION ALL
  SELECT i.id, i.state, v.state, vmstate.last_heard(v.time_reported, v.time_state_updated, statement_timestamp()),
    i.state_generation, i.time_state_updated, i.intended_state, i.auto_restart_policy, i.auto_restart_cooldown,
    CASE
      WHEN vmstate.ran_long(v.time_started, v.time_reported) OR vmstate.ran_long(d.time_started, d.time_reported) THEN 0
      ELSE i.auto_restart_attempts
    END,
    i.time_last_auto_restarted, i.updater_lease_until, i.time_updater_released
  FROM vmstate.vmm AS v
  JOIN vmstate.instance AS i ON i.id = v.instance_id AND i.active_propolis_id = v.id
  LEFT JOIN LATERAL (
    SELECT w.time_started, w.time_reported
    FROM vmstate.vmm AS w
    WHERE w.instance_id = i.id AND w.id = i.destination_propolis_id
    OFFSET 0
  ) AS d ON true
  WHERE v.state <> 'running' AND v.time_unlinked IS NULL AND v.time_deleted IS NULL
    AND v.state = 'saga_unwound'
    AND coalesce(v.time_deleted, 'infinity') = 'infinity' AND least(v.time_deleted, 'infinity') = 'infinity'
) AS c
WHERE vmstate.may_auto_restart(c.state, c.active_state, c.intended_state, c.auto_restart_policy,
  vmstate.auto_restart_wait(c.auto_restart_cooldown, c.auto_restart_attempts), c.time_last_auto_restarted, c.updater_lease_until, statement_timestamp())
ORDER BY since, instance_id;
COMMENT ON VIEW vmstate.restartable_instance IS 'Lists instances that should run, do not run, and may be restarted now.

A work list, oldest first: call begin_start with p_start_reason auto_restart, which checks once more. since is when the restart became possible, by the clock of the database. auto_restart_attempts is the number of automatic restarts in a row. time_next_auto_restart is from when on cooldown and back-off allow the next one.';
