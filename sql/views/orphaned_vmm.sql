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
  ) AS expected_to_end,
  v.time_unlinked AS since
FROM (
  SELECT w.instance_id, w.id, w.sled_id, w.propolis_ip, w.propolis_port, w.state, w.time_unlinked
  FROM vmstate.vmm AS w
  WHERE w.time_unlinked IS NOT NULL AND w.time_deleted IS NULL AND NOT vmstate.is_absorbing(w.state)
    AND coalesce(w.time_deleted, 'infinity') = 'infinity' AND least(w.time_deleted, 'infinity') = 'infinity'
  -- Sorts before expected_to_end is looked up, so that a query with LIMIT looks only at the migrations of its own rows.
  ORDER BY w.time_unlinked, w.id
  OFFSET 0
) AS v;
COMMENT ON VIEW vmstate.orphaned_vmm IS 'Lists live VMMs that no instance names: terminate each on its sled.

A work list, oldest first. A VMM here is alive; a VMM that no instance names and that is dead is in vmstate.abandoned_vmm. Terminate the VMM on its sled; then the sled reports destroyed, or fail_vmm declares the VMM dead. since is when the last link to the VMM was removed. expected_to_end is true if the VMM ends by itself: it is the source of a migration that completed, or whose destination has the guest and is alive.';
