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
  v.time_reported,
  greatest(v.time_reported, r.time_agreed) AS time_heard
FROM vmstate.vmm AS v
LEFT JOIN vmstate.sled_report AS r ON r.sled_id = v.sled_id
WHERE v.time_deleted IS NULL AND vmstate.is_watched(v.state);
COMMENT ON VIEW vmstate.watched_vmm IS 'Lists every VMM that a sled should know of: ask the sled agents about them.

Linked VMMs and unlinked ones, those of deleted instances too: the whole fleet. time_reported is when the last report of the VMM was accepted, by the clock of the database, and null before the first one. time_heard is that time, or when report_sled last said that the sled has just the VMMs of the database, whichever is later: an old time_heard shows a silent sled, or a sled that counts its generations anew and whose reports are refused as stale.';
