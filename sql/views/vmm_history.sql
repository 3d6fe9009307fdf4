CREATE OR REPLACE VIEW vmstate.vmm_history AS
SELECT
  h."time",
  h.id,
  h.transaction_id,
  h.instance_id,
  h.row_id,
  h.generation,
  h.old_state::vmstate.vmm_state AS old_state,
  h.state::vmstate.vmm_state AS state,
  h.deleted,
  h.sled_id,
  h.failure_reason,
  h.time_observed,
  h.role,
  h.verb,
  h.saga_id,
  h.cause
FROM vmstate.history AS h
WHERE h.kind = 'vmm'
ORDER BY h.id;
COMMENT ON VIEW vmstate.vmm_history IS 'Lists the changes of VMMs, oldest first.

One row for each change of the state or the failure_reason, and for a deletion; none for a health report. row_id is the id of the VMM. Shows saga_unwound as it is. time_observed is when the sled saw the state, by the clock of the sled.';
