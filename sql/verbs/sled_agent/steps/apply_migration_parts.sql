CREATE OR REPLACE FUNCTION vmstate.apply_migration_parts(p_function text, p_report vmstate.vmm_report, p_sleds uuid[])
RETURNS vmstate.report_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_destination_outcome vmstate.outcome;
  v_source_outcome vmstate.outcome;
  v_update_needed boolean;
BEGIN
  v_destination_outcome := vmstate.report_destination_side(p_report.instance_id, p_report.propolis_id, p_report.migration_in_id,
    p_report.migration_in_state, p_report.migration_in_generation, p_report.migration_in_time);
  v_source_outcome := vmstate.report_source_side(p_report.instance_id, p_report.propolis_id, p_report.migration_out_id,
    p_report.migration_out_state, p_report.migration_out_generation, p_report.migration_out_time);
  IF p_sleds IS NOT NULL AND EXISTS (
      SELECT FROM vmstate.vmm AS v
        WHERE v.instance_id = p_report.instance_id AND v.id = p_report.propolis_id AND v.sled_id <> ALL (p_sleds)) THEN
    -- The VMM was inserted after the sled of the report was checked, and before the migration parts were judged.
    PERFORM vmstate.raise_foreign_report(p_function, p_report.propolis_id, p_sleds);
  END IF;
  v_update_needed := EXISTS (
    SELECT FROM vmstate.instance AS i
      WHERE i.id = p_report.instance_id
        AND (
          (v_destination_outcome = 'applied' AND vmstate.is_terminal(p_report.migration_in_state) AND i.migration_id = p_report.migration_in_id)
          OR (v_source_outcome = 'applied' AND vmstate.is_terminal(p_report.migration_out_state) AND i.migration_id = p_report.migration_out_id)
        ));
  RETURN ROW(NULL, v_destination_outcome, v_source_outcome, v_update_needed, NULL, NULL)::vmstate.report_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.apply_migration_parts FROM PUBLIC;
COMMENT ON FUNCTION vmstate.apply_migration_parts IS 'Judges and writes the migration parts of a report.

The columns of the VMM are null in the answer. The caller has locked the migrations. Raises 42501 if the VMM is on none of p_sleds (NULL: any sled).';
