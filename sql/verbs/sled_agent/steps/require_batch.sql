CREATE OR REPLACE FUNCTION vmstate.require_batch(p_reports vmstate.batch_report[]) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM vmstate.require_batch_reports('report_vmms', p_reports);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_batch FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_batch IS 'Raises VM001 for the first report of report_vmms that no sled agent could make.';
