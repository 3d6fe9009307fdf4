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
COMMENT ON VIEW vmstate.watched_vmm IS 'Lists every VMM that a sled should know of: ask the sled agents about them.

Linked VMMs and unlinked ones, those of deleted instances too: the whole fleet. time_reported is when the last report was accepted, by the clock of the database, and null before the first one: an old time_reported shows a silent sled, or a sled that counts its generations anew and whose reports are refused as stale.';
