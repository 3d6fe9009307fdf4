CREATE OR REPLACE VIEW vmstate.stuck_instance AS
SELECT c.instance_id, s.api_state, statement_timestamp() - s.since AS age, s.waits_for, s.since
FROM (
  SELECT i.id
  FROM vmstate.instance AS i
  WHERE i.state = 'creating'
  UNION ALL
  SELECT i.id
  FROM vmstate.instance AS i
  WHERE i.migration_id IS NOT NULL
  UNION ALL
  SELECT i.id
  FROM vmstate.vmm AS v
  -- A linked VMM of an instance without a migration is the active VMM. The join does not compare active_propolis_id all the
  -- same: the planner would expect one row and, when many instances stop at once, join all of them with all VMMs.
  JOIN vmstate.instance AS i ON i.id = v.instance_id AND i.migration_id IS NULL
  WHERE v.state <> 'running' AND v.time_unlinked IS NULL AND v.time_deleted IS NULL
    AND coalesce(v.time_deleted, 'infinity') = 'infinity' AND least(v.time_deleted, 'infinity') = 'infinity'
) AS c (instance_id)
CROSS JOIN LATERAL (
  SELECT
    p.api_state,
    CASE
      WHEN p.state = 'creating' THEN 'finish_instance_creation'
      WHEN p.needed THEN 'update saga'
      WHEN p.migration_id IS NOT NULL AND r.destination_vmm_state = 'creating' THEN 'migrate saga'
      WHEN p.migration_id IS NOT NULL AND p.verdict <> 'void' THEN 'migration'
      WHEN p.active_state = 'creating' THEN 'start saga'
      ELSE 'sled agent'
    END AS waits_for,
    greatest(r.time_state_updated, r.active_last_heard, r.destination_last_heard, r.migration_last_heard) AS since
  FROM vmstate.resolved_instance AS r
  CROSS JOIN vmstate.instance_plan AS p
  WHERE r.instance_id = c.instance_id AND p.instance_id = c.instance_id
    AND p.api_state IN ('creating', 'starting', 'stopping', 'rebooting', 'migrating')
  OFFSET 0
) AS s
WHERE s.since < statement_timestamp() - vmstate.stuck_after();
COMMENT ON VIEW vmstate.stuck_instance IS 'Lists instances that have been in a transitional state for more than 10 minutes.

The transitional states are creating, starting, stopping, rebooting and migrating; vmstate.stuck_after() is the threshold. age is how long there has been no news of the instance, by the clock of the database; waits_for names what has to act.';
