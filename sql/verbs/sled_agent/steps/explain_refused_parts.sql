CREATE OR REPLACE FUNCTION vmstate.explain_refused_parts(p_report vmstate.vmm_report) RETURNS vmstate.report_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_outcomes vmstate.outcome[];
BEGIN
  v_outcomes := array(
    SELECT CASE WHEN p.migration_id IS NOT NULL THEN
        coalesce(
          CASE WHEN p_report.propolis_id NOT IN (m.source_propolis_id, m.destination_propolis_id) THEN
            vmstate.migration_report_outcome(p_report.propolis_id, m.source_propolis_id, m.source_state, m.source_generation,
              m.time_deleted, NULL)
          END,
          'not_found')
      END
      FROM unnest(ARRAY[p_report.migration_in_id, p_report.migration_out_id]) WITH ORDINALITY AS p (migration_id, place)
      LEFT JOIN vmstate.migration AS m ON m.instance_id = p_report.instance_id AND m.id = p.migration_id
      ORDER BY p.place);
  RETURN ROW(NULL, v_outcomes[1], v_outcomes[2], false, NULL, NULL)::vmstate.report_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.explain_refused_parts FROM PUBLIC;
COMMENT ON FUNCTION vmstate.explain_refused_parts IS 'Explains why migration parts are refused whose VMM was not found.

A migration that names the VMM was inserted after the VMM part was judged, so the migration is not_found as well.';
