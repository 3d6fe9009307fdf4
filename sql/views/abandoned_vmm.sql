CREATE OR REPLACE VIEW vmstate.abandoned_vmm AS
SELECT v.instance_id, v.id AS propolis_id, v.sled_id, v.state, v.time_unlinked,
  greatest(v.time_unlinked, vmstate.last_heard(v.time_reported, v.time_state_updated, statement_timestamp())) AS since
FROM vmstate.vmm AS v
WHERE v.time_unlinked IS NOT NULL AND v.time_deleted IS NULL AND vmstate.is_absorbing(v.state)
  AND coalesce(v.time_deleted, 'infinity') = 'infinity' AND least(v.time_deleted, 'infinity') = 'infinity'
ORDER BY since, v.id;
COMMENT ON VIEW vmstate.abandoned_vmm IS 'Lists dead VMMs that no instance names: delete each with delete_vmm.

A work list, oldest first. A VMM here is dead; a VMM that no instance names and that is still alive is in vmstate.orphaned_vmm. since is when the VMM was both dead and unlinked, by the clock of the database.';
