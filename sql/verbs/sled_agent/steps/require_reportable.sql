CREATE OR REPLACE FUNCTION vmstate.require_reportable(p_reports vmstate.batch_report[], p_sleds uuid[]) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM vmstate.require_batch_sleds('report_vmms', p_reports, p_sleds);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_reportable FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_reportable IS 'Raises 42501 for the first report of report_vmms that is of another sled.';
