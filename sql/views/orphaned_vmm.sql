CREATE OR REPLACE VIEW vmstate.orphaned_vmm AS
SELECT
  v.instance_id,
  v.id AS propolis_id,
  v.sled_id,
  v.propolis_ip,
  v.propolis_port,
  v.state,
  v.time_unlinked,
  EXISTS (
    SELECT FROM vmstate.migration AS m
    WHERE m.instance_id = v.instance_id AND m.source_propolis_id = v.id
      AND 'completed' IN (m.source_state, m.destination_state)
      AND 'failed' NOT IN (m.source_state, m.destination_state)
      AND (m.destination_state = 'completed' OR NOT EXISTS (
        SELECT FROM vmstate.vmm AS t
        WHERE t.instance_id = m.instance_id AND t.id = m.destination_propolis_id AND vmstate.is_absorbing(t.state)
      ))
  ) AS expected_to_end
FROM vmstate.vmm AS v
WHERE v.time_unlinked IS NOT NULL AND v.time_deleted IS NULL AND NOT vmstate.is_absorbing(v.state)
  AND coalesce(v.time_deleted, 'infinity') = 'infinity' AND least(v.time_deleted, 'infinity') = 'infinity';
COMMENT ON VIEW vmstate.orphaned_vmm IS 'Work list: VMMs that live although no instance names them. Terminate each on its sled, then it reports destroyed or fail_vmm says so. expected_to_end: the source of a migration that got through, or whose destination has the guest and lives, ends by itself.';
