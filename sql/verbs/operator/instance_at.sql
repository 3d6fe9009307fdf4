CREATE OR REPLACE FUNCTION vmstate.instance_at(p_instance_id uuid, p_time timestamptz) RETURNS vmstate.past_instance_result
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_then pg_catalog.record;
  v_active pg_catalog.record;
  v_destination pg_catalog.record;
  v_source_id pg_catalog.uuid;
  v_is_migrating boolean;
  v_outcome vmstate.outcome := 'applied';
BEGIN
  IF num_nulls(p_instance_id, p_time) > 0 THEN
    PERFORM vmstate.raise_null_argument('instance_at', jsonb_build_object('p_instance_id', p_instance_id, 'p_time', p_time));
  END IF;
  -- What the newest change before says, else what the first change after says was before it, else the row itself.
  SELECT a.* INTO v_then
    FROM (
      (SELECT 1, h.time, h.state, h.generation, h.intended_state, h.active_propolis_id, h.destination_propolis_id, h.migration_id, h.deleted
        FROM vmstate.history AS h
        WHERE h.instance_id = p_instance_id AND h.row_id = p_instance_id AND h.kind = 'instance' AND h.time <= p_time
        ORDER BY h.id DESC LIMIT 1)
      UNION ALL
      (SELECT 2, NULL, h.old_state,
          CASE WHEN (h.old_state, h.old_active_propolis_id, h.old_destination_propolis_id, h.old_migration_id)
            IS NOT DISTINCT FROM (h.state, h.active_propolis_id, h.destination_propolis_id, h.migration_id) THEN h.generation END,
          h.old_intended_state, h.old_active_propolis_id, h.old_destination_propolis_id, h.old_migration_id, false
        FROM vmstate.history AS h
        WHERE h.instance_id = p_instance_id AND h.row_id = p_instance_id AND h.kind = 'instance' AND h.time > p_time
        ORDER BY h.id LIMIT 1)
      UNION ALL
      (SELECT 3, NULL, CASE WHEN i.time_created <= p_time THEN i.state::pg_catalog.text END,
          i.state_generation, i.intended_state, i.active_propolis_id, i.destination_propolis_id, i.migration_id, i.time_deleted IS NOT NULL
        FROM vmstate.instance AS i
        WHERE i.id = p_instance_id)
    ) AS a (place, changed, state, generation, intended_state, active_id, destination_id, migration_id, deleted)
    ORDER BY a.place LIMIT 1;
  IF v_then.state IS NULL THEN
    RETURN ROW('not_found', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::vmstate.past_instance_result;
  END IF;
  SELECT max(a.state) AS state, (array_agg(a.sled_id))[1] AS sled_id, max(a.changed) AS changed INTO v_active
    FROM vmstate.vmm_at(p_instance_id, v_then.active_id, p_time) AS a;
  SELECT max(a.state) AS state, (array_agg(a.sled_id))[1] AS sled_id, max(a.changed) AS changed INTO v_destination
    FROM vmstate.vmm_at(p_instance_id, v_then.destination_id, p_time) AS a;
  -- The ends of a migration never change.
  SELECT coalesce(
      (SELECT h.source_propolis_id FROM vmstate.history AS h
        WHERE h.instance_id = p_instance_id AND h.row_id = v_then.migration_id AND h.kind = 'migration' ORDER BY h.id LIMIT 1),
      (SELECT m.source_propolis_id FROM vmstate.migration AS m WHERE m.instance_id = p_instance_id AND m.id = v_then.migration_id))
    INTO v_source_id;
  -- Only now, after the rows were read: what another session drops is noted here before it is gone.
  IF p_time < coalesce((SELECT e.since FROM vmstate.history_extent AS e), clock_timestamp()) THEN
    RETURN ROW('conflict', 'not_recorded', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::vmstate.past_instance_result;
  ELSIF v_then.deleted THEN
    v_outcome := 'gone';
  END IF;
  v_is_migrating := vmstate.is_migrating(v_then.active_id, v_source_id, v_then.destination_id, v_destination.state);
  RETURN ROW(v_outcome, NULL, greatest(v_then.changed, v_active.changed, v_destination.changed),
    vmstate.effective_instance_state(v_then.state::vmstate.instance_state, v_active.state, v_is_migrating),
    v_then.state, v_then.generation, v_then.intended_state, v_then.active_id, v_active.state, v_active.sled_id,
    v_then.destination_id, v_destination.state, v_destination.sled_id, v_then.migration_id)::vmstate.past_instance_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.instance_at FROM PUBLIC;
COMMENT ON FUNCTION vmstate.instance_at IS 'Shows an instance and its VMMs as they were at a time, from the history.

p_time is compared with the times at which changes were written, which is before they were committed. api_state is what vmstate.api_instance showed; active_state and destination_state are those of the rows, saga_unwound included. time is when the newest of these changes before p_time was written, and null if none is recorded. state_generation is null where only the change that followed is recorded. For the present, any time in the future does.

Outcomes:
- applied: the instance existed at that time.
- conflict/not_recorded: the time is before vmstate.history_extent begins.
- gone: the instance had been deleted by then; the columns show the deleted instance.
- not_found: the instance did not exist yet, or no instance has this id.
Errors:
- VM001: an argument is null.';
