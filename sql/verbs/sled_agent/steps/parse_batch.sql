CREATE OR REPLACE FUNCTION vmstate.parse_batch(p_reports jsonb) RETURNS vmstate.batch_report[]
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  -- When an element has an unknown key, checks one element after the other: the error then names the first malformed element,
  -- also if that is an earlier one with a wrong value.
  IF EXISTS (SELECT FROM jsonb_array_elements(p_reports) AS e
      WHERE CASE WHEN jsonb_typeof(e.value) = 'object' THEN e.value - vmstate.report_keys() <> '{}' END) THEN
    PERFORM vmstate.require_report('report_vmms', vmstate.parse_report(e.value, e.ordinality), format('Element %s: ', e.ordinality))
      FROM jsonb_array_elements(p_reports) WITH ORDINALITY AS e;
  END IF;
  RETURN array(
    SELECT ROW(
        r.ordinality, r.instance_id, r.propolis_id, r.state, r.generation, r.time,
        CASE WHEN num_nonnulls(r.migration_in_id, r.migration_in_state, r.migration_in_generation, r.migration_in_time,
            r.migration_out_id, r.migration_out_state, r.migration_out_generation, r.migration_out_time) > 0 THEN
          ROW(r.instance_id, r.propolis_id, r.state, r.generation, r.time,
            r.migration_in_id, r.migration_in_state, r.migration_in_generation, r.migration_in_time,
            r.migration_out_id, r.migration_out_state, r.migration_out_generation, r.migration_out_time)::vmstate.vmm_report
        END
      )::vmstate.batch_report
      FROM jsonb_populate_recordset(NULL::vmstate.vmm_report, p_reports) WITH ORDINALITY AS r);
EXCEPTION
  WHEN data_exception THEN
    PERFORM vmstate.require_report('report_vmms', vmstate.parse_report(e.value, e.ordinality), format('Element %s: ', e.ordinality))
      FROM jsonb_array_elements(p_reports) WITH ORDINALITY AS e;
    RAISE;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.parse_batch FROM PUBLIC;
COMMENT ON FUNCTION vmstate.parse_batch IS 'Converts the elements of a JSON array to reports.

Raises VM001 if any element is no object, has an unknown key, or has a value of the wrong type; the error names the first malformed element.';
