CREATE OR REPLACE VIEW vmstate.instance_history AS
SELECT
  h."time",
  h.id,
  h.transaction_id,
  h.instance_id,
  h.generation,
  h.old_state::vmstate.instance_state AS old_state,
  h.state::vmstate.instance_state AS state,
  h.deleted,
  h.old_active_propolis_id,
  h.active_propolis_id,
  h.old_destination_propolis_id,
  h.destination_propolis_id,
  h.old_migration_id,
  h.migration_id,
  h.old_intended_state,
  h.intended_state,
  h.role,
  h.verb,
  h.saga_id,
  h.cause
FROM vmstate.history AS h
-- The first comparison makes the index that begins with both ids one in the order of id.
WHERE h.row_id = h.instance_id AND h.kind = 'instance'
ORDER BY h.id;
COMMENT ON VIEW vmstate.instance_history IS 'Lists the changes of instances, oldest first.

One row for each change of the state, the generation, a link, the intent, and for a deletion; and one for each updater lock that break_update ended. old_state is null where the instance was inserted. The columns role, verb, saga_id and cause say who made the change. vmstate.history_extent says since when changes are recorded.';
