CREATE OR REPLACE FUNCTION vmstate.parse_report(p_element jsonb, p_ordinal bigint) RETURNS vmstate.vmm_report
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_key pg_catalog.text;
BEGIN
  IF jsonb_typeof(p_element) <> 'object' THEN
    PERFORM vmstate.raise_invalid_argument('report_vmms', 'p_reports',
      format('Element %s must be a JSON object, not a JSON %s.', p_ordinal, jsonb_typeof(p_element)));
  END IF;
  FOR v_key IN SELECT k.key FROM jsonb_object_keys(p_element - vmstate.report_keys()) AS k (key) ORDER BY k.key LOOP
    PERFORM vmstate.raise_invalid_argument('report_vmms', 'p_reports',
      format('Element %s has the unknown key %s. Known keys: %s.', p_ordinal, to_jsonb(v_key), array_to_string(vmstate.report_keys(), ', ')));
  END LOOP;
  RETURN jsonb_populate_record(NULL::vmstate.vmm_report, p_element);
EXCEPTION
  WHEN data_exception THEN
    PERFORM vmstate.raise_invalid_argument('report_vmms', 'p_reports', format('Element %s: %s.', p_ordinal, SQLERRM));
END;
$$;
REVOKE ALL ON FUNCTION vmstate.parse_report FROM PUBLIC;
COMMENT ON FUNCTION vmstate.parse_report IS 'Converts one JSON object to a report.

Raises VM001, which names the ordinal, if the element is no object, has an unknown key, or has a value of the wrong type.';
