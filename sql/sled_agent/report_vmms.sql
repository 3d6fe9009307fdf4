CREATE FUNCTION vmstate.report_vmms(p_reports jsonb)
RETURNS TABLE (
  ordinal integer,
  instance_id uuid,
  propolis_id uuid,
  vmm_outcome vmstate.outcome,
  migration_in_outcome vmstate.outcome,
  migration_out_outcome vmstate.outcome,
  update_needed boolean,
  state vmstate.vmm_state,
  state_generation bigint
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
DECLARE
  v_reports vmstate.numbered_report[];
BEGIN
  PERFORM vmstate.require_arguments('report_vmms', jsonb_build_object('p_reports', p_reports));
  IF jsonb_typeof(p_reports) <> 'array' THEN
    PERFORM vmstate.reject_argument('report_vmms', 'p_reports',
      format('It is a JSON %s, not an array.', jsonb_typeof(p_reports)));
  END IF;
  v_reports := vmstate.parse_reports(p_reports);
  PERFORM vmstate.require_report('report_vmms', r.report, format('Element %s: ', r.ordinal))
    FROM unnest(v_reports) AS r
    WHERE vmstate.is_remarkable(r.report);

  PERFORM vmstate.lock_reported(v_reports);
  RETURN QUERY SELECT j.* FROM vmstate.judge_reports(v_reports) AS j ORDER BY j.ordinal;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.report_vmms FROM PUBLIC;
COMMENT ON FUNCTION vmstate.report_vmms IS 'Many reports in one call: an array of objects whose keys are the arguments of report_vmm without p_ (absent or null where that allows it). One row per element, in order, with its place from 1 and the columns of report_vmm; of several reports of one VMM, later ones are judged after earlier ones. Locks all VMMs by id, then all migrations by id. VM001 names the element that is malformed; nothing is written then.';
