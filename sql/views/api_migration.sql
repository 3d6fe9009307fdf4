CREATE OR REPLACE VIEW vmstate.api_migration AS
SELECT
  m.id,
  m.instance_id,
  m.source_propolis_id,
  s.sled_id AS source_sled_id,
  vmstate.to_api_vmm_state(s.state) AS source_api_state,
  m.source_state,
  m.destination_propolis_id,
  d.sled_id AS destination_sled_id,
  vmstate.to_api_vmm_state(d.state) AS destination_api_state,
  m.destination_state,
  least(m.time_source_updated, statement_timestamp()) AS time_source_updated,
  least(m.time_destination_updated, statement_timestamp()) AS time_destination_updated,
  m.time_created,
  m.time_reported
FROM vmstate.migration AS m
-- Each OFFSET 0 makes the planner look the VMM up for one migration at a time: merged, it may scan a table to list one page.
CROSS JOIN LATERAL (
  SELECT v.sled_id, v.state
  FROM vmstate.vmm AS v
  WHERE v.instance_id = m.instance_id AND v.id = m.source_propolis_id
  OFFSET 0
) AS s
CROSS JOIN LATERAL (
  SELECT v.sled_id, v.state
  FROM vmstate.vmm AS v
  WHERE v.instance_id = m.instance_id AND v.id = m.destination_propolis_id
  OFFSET 0
) AS d
WHERE m.time_deleted IS NULL;
COMMENT ON VIEW vmstate.api_migration IS 'Lists migrations as the API shows them, past ones too, without deleted ones.

source_state and destination_state are the states of the two sides. source_api_state and destination_api_state are the states of the two VMMs as the API shows them: saga_unwound appears as destroyed. A VMM of a migration may be deleted already. A time in the future, from a sled whose clock is ahead, is shown as now; time_reported is by the clock of the database, and null before the first report of either side.';
