CREATE OR REPLACE FUNCTION vmstate.require_batch_reports(p_function text, p_reports vmstate.batch_report[]) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM vmstate.require_report(
      p_function,
      coalesce(r.report, ROW(r.instance_id, r.propolis_id, r.state, r.generation, r.time,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::vmstate.vmm_report),
      format('Element %s: ', r.ordinal))
    FROM unnest(p_reports) AS r
    WHERE num_nulls(r.instance_id, r.propolis_id, r.state) > 0
      OR (r.generation BETWEEN 1 AND 9007199254740991 AND vmstate.is_point_in_time(r.time)) IS NOT TRUE
      OR r.report IS DISTINCT FROM NULL
    ORDER BY r.ordinal;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_batch_reports FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_batch_reports IS 'Raises VM001 for the first report of a batch that no sled agent could make.

The error names the element. Plain, valid reports of a VMM alone are skipped cheaply.';
