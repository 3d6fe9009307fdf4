CREATE OR REPLACE FUNCTION vmstate.report_source_side(
  p_instance_id uuid,
  p_propolis_id uuid,
  p_migration_id uuid,
  p_state vmstate.migration_state,
  p_generation bigint,
  p_time timestamptz
) RETURNS vmstate.outcome
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_outcome vmstate.outcome;
  v_now pg_catalog.timestamptz := clock_timestamp();
BEGIN
  IF p_migration_id IS NULL THEN
    RETURN NULL;
  END IF;
  SELECT vmstate.migration_report_outcome(
      p_propolis_id, m.source_propolis_id, m.source_state, m.source_generation, m.time_deleted, p_generation)
    INTO v_outcome
    FROM vmstate.migration AS m
    WHERE m.instance_id = p_instance_id AND m.id = p_migration_id;
  IF v_outcome = 'applied' THEN
    UPDATE vmstate.migration AS m
      SET source_state = p_state, source_generation = p_generation, time_source_updated = p_time, time_reported = v_now
      WHERE m.instance_id = p_instance_id AND m.id = p_migration_id;
  END IF;
  RETURN coalesce(v_outcome, 'not_found');
END;
$$;
REVOKE ALL ON FUNCTION vmstate.report_source_side FROM PUBLIC;
COMMENT ON FUNCTION vmstate.report_source_side IS 'Judges and writes the report on a migration out of the reporting VMM.

The caller has locked the migration.';
