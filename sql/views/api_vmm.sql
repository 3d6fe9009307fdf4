CREATE OR REPLACE VIEW vmstate.api_vmm AS
SELECT
  v.id,
  vmstate.to_api_vmm_state(v.state) AS state,
  v.instance_id,
  v.sled_id,
  v.propolis_ip,
  v.propolis_port,
  v.failure_reason,
  least(v.time_state_updated, statement_timestamp()) AS time_state_updated,
  v.time_created
FROM vmstate.vmm AS v
WHERE v.time_deleted IS NULL;
COMMENT ON VIEW vmstate.api_vmm IS 'Lists VMMs as the API shows them, without deleted ones.

A VMM in state saga_unwound is shown as destroyed. A time in the future, from a sled whose clock is ahead, is shown as now.';
