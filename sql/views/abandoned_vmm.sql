CREATE OR REPLACE VIEW vmstate.abandoned_vmm AS
SELECT v.instance_id, v.id AS propolis_id, v.sled_id, v.state, v.time_unlinked
FROM vmstate.vmm AS v
WHERE v.time_unlinked IS NOT NULL AND v.time_deleted IS NULL AND vmstate.is_absorbing(v.state)
  AND coalesce(v.time_deleted, 'infinity') = 'infinity' AND least(v.time_deleted, 'infinity') = 'infinity';
COMMENT ON VIEW vmstate.abandoned_vmm IS 'Work list: dead VMMs that no instance names. Delete each with delete_vmm.';
