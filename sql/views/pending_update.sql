CREATE OR REPLACE VIEW vmstate.pending_update AS
SELECT c.instance_id, p.verdict, p.state_generation, p.updater_generation
FROM (
  SELECT i.id
  FROM vmstate.instance AS i
  WHERE i.migration_id IS NOT NULL
  UNION ALL
  SELECT i.id
  FROM vmstate.vmm AS v
  JOIN vmstate.instance AS i ON i.id = v.instance_id AND i.active_propolis_id = v.id AND i.migration_id IS NULL
  WHERE v.state <> 'running' AND v.time_unlinked IS NULL AND v.time_deleted IS NULL
    AND v.state IN ('failed', 'destroyed', 'saga_unwound')
    AND coalesce(v.time_deleted, 'infinity') = 'infinity' AND least(v.time_deleted, 'infinity') = 'infinity'
) AS c (instance_id)
CROSS JOIN LATERAL (
  SELECT p.verdict, p.state_generation, p.updater_generation
  FROM vmstate.instance_plan AS p
  WHERE p.instance_id = c.instance_id AND p.needed AND coalesce(p.updater_lease_until <= statement_timestamp(), true)
  -- one candidate after the other: merged, there are more tables than the planner reorders, and it would read them all
  OFFSET 0
) AS p;
COMMENT ON VIEW vmstate.pending_update IS 'Work list of the update saga: instances with something to update that no unexpired updater lock holds. Run begin_update or run_update on each.';
