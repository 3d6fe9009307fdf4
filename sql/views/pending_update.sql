CREATE OR REPLACE VIEW vmstate.pending_update AS
SELECT c.instance_id, p.verdict, p.state_generation, p.updater_generation, c.since
FROM (
  SELECT u.instance_id, u.since
  FROM (
    SELECT i.id, greatest(i.time_state_updated, m.time_reported,
      CASE WHEN vmstate.is_absorbing(a.state) THEN vmstate.last_heard(a.time_reported, a.time_state_updated, statement_timestamp()) END,
      CASE WHEN vmstate.is_absorbing(d.state) THEN vmstate.last_heard(d.time_reported, d.time_state_updated, statement_timestamp()) END,
      i.updater_lease_until, i.time_updater_released)
    FROM vmstate.instance AS i
    LEFT JOIN vmstate.vmm AS a ON a.instance_id = i.id AND a.id = i.active_propolis_id
    LEFT JOIN vmstate.vmm AS d ON d.instance_id = i.id AND d.id = i.destination_propolis_id
    LEFT JOIN vmstate.migration AS m ON m.instance_id = i.id AND m.id = i.migration_id
    WHERE i.migration_id IS NOT NULL
    UNION ALL
    SELECT i.id, greatest(i.time_state_updated,
      vmstate.last_heard(v.time_reported, v.time_state_updated, statement_timestamp()),
      i.updater_lease_until, i.time_updater_released)
    FROM vmstate.vmm AS v
    JOIN vmstate.instance AS i ON i.id = v.instance_id AND i.active_propolis_id = v.id AND i.migration_id IS NULL
    WHERE v.state <> 'running' AND v.time_unlinked IS NULL AND v.time_deleted IS NULL
      AND v.state IN ('failed', 'destroyed', 'saga_unwound')
      AND coalesce(v.time_deleted, 'infinity') = 'infinity' AND least(v.time_deleted, 'infinity') = 'infinity'
  ) AS u (instance_id, since)
  ORDER BY u.since, u.instance_id
  OFFSET 0
) AS c
CROSS JOIN LATERAL (
  SELECT p.verdict, p.state_generation, p.updater_generation
  FROM vmstate.instance_plan AS p
  WHERE p.instance_id = c.instance_id AND p.needed AND coalesce(p.updater_lease_until <= statement_timestamp(), true)
  -- OFFSET 0 plans one candidate at a time: merged, there are more tables than the planner reorders, and it would scan them all.
  OFFSET 0
) AS p
ORDER BY c.since, c.instance_id;
COMMENT ON VIEW vmstate.pending_update IS 'Lists instances with something to update that no unexpired updater lock holds.

The work list of the update saga, oldest first: call begin_update or run_update on each. since is when the need arose, or when the last updater lock ended without a commit, by the clock of the database, so that an instance whose updates fail does not keep others waiting.';
