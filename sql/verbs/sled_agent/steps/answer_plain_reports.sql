CREATE OR REPLACE FUNCTION vmstate.answer_plain_reports(p_reports vmstate.batch_report[], p_sleds uuid[])
RETURNS SETOF vmstate.batch_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_rest vmstate.batch_result[];
BEGIN
  -- An array, so that no plan can run the function twice.
  v_rest := array(
    SELECT e
      FROM (
        SELECT array_agg(r.instance_id) AS instance_ids, array_agg(r.propolis_id) AS propolis_ids, array_agg(r.state) AS states,
            array_agg(r.generation) AS generations, array_agg(r.time) AS times
          FROM unnest(p_reports) AS r
      ) AS a
      CROSS JOIN LATERAL vmstate.report_plain_batch(
        a.instance_ids, a.propolis_ids, a.states, a.generations, a.times, p_sleds, 'report_vmms') AS e);
  RETURN QUERY
    SELECT r.ordinal, r.instance_id, r.propolis_id, coalesce(e.vmm_outcome, 'applied'), NULL::vmstate.outcome, NULL::vmstate.outcome,
        coalesce(e.update_needed, false),
        CASE WHEN e.ordinal IS NULL THEN vmstate.from_report(r.state) ELSE e.state END,
        CASE WHEN e.ordinal IS NULL THEN r.generation ELSE e.state_generation END
      FROM unnest(p_reports) AS r
      LEFT JOIN unnest(v_rest) AS e ON e.ordinal = r.ordinal
      ORDER BY r.ordinal;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.answer_plain_reports FROM PUBLIC;
COMMENT ON FUNCTION vmstate.answer_plain_reports IS 'Applies a batch of plain reports, each of another VMM, and answers every report.';
