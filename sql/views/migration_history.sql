CREATE OR REPLACE VIEW vmstate.migration_history AS
SELECT
  h."time",
  h.id,
  h.transaction_id,
  h.instance_id,
  h.row_id,
  least(h.generation, 9007199254740991) AS generation,
  h.old_state::vmstate.migration_state AS old_state,
  h.state::vmstate.migration_state AS state,
  h.old_destination_state,
  h.destination_state,
  h.deleted,
  h.source_propolis_id,
  h.destination_propolis_id,
  h.role,
  h.verb,
  h.saga_id,
  h.cause
FROM vmstate.history AS h
WHERE h.kind = 'migration'
ORDER BY h.id;
COMMENT ON VIEW vmstate.migration_history IS 'Lists the changes of migrations, oldest first.

One row for each change of the state of a side, and for a deletion. row_id is the id of the migration. old_state and state are those of the source side; generation is the sum of the generations of both sides, at most 2^53-1.';
