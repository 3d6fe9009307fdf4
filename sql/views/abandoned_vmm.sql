CREATE OR REPLACE VIEW vmstate.abandoned_vmm AS
SELECT v.instance_id, v.id AS propolis_id, v.sled_id, v.state, v.time_unlinked,
  greatest(v.time_unlinked, vmstate.last_heard(v.time_reported, v.time_state_updated, statement_timestamp())) AS since
FROM vmstate.vmm AS v
WHERE v.time_unlinked IS NOT NULL AND v.time_deleted IS NULL AND vmstate.is_absorbing(v.state)
  AND coalesce(v.time_deleted, 'infinity') = 'infinity' AND least(v.time_deleted, 'infinity') = 'infinity'
ORDER BY since, v.id;
COMMENT ON VIEW vmstate.abandoned_vmm IS 'Work list: dead VMMs that no instance names, oldest first (since: when it was dead and unlinked). Delete each with delete_vmm.';
