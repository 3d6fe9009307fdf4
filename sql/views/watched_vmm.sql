CREATE OR REPLACE VIEW vmstate.watched_vmm AS
SELECT
  v.instance_id,
  v.id AS propolis_id,
  v.sled_id,
  v.propolis_ip,
  v.propolis_port,
  v.state,
  v.state_generation,
  least(v.time_state_updated, statement_timestamp()) AS time_state_updated,
  v.time_unlinked IS NULL AS linked,
  v.time_reported
FROM vmstate.vmm AS v
WHERE v.time_deleted IS NULL AND vmstate.is_watched(v.state);
COMMENT ON VIEW vmstate.watched_vmm IS 'Every VMM that a sled should know of, linked or not, those of deleted instances too: ask the sled agents about them. The whole fleet. time_reported: when the last report was accepted, by the clock of the database (null: none yet); an old one, or a sled that counts its generations anew and is refused as stale, is found by it.';
