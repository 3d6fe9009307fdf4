CREATE OR REPLACE FUNCTION vmstate.require_batch_sleds(
  p_function text,
  p_reports vmstate.batch_report[],
  p_sleds uuid[]
) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_report vmstate.batch_report;
BEGIN
  SELECT r.* INTO v_report
    FROM unnest(p_reports) AS r
    JOIN vmstate.vmm AS v ON v.instance_id = r.instance_id AND v.id = r.propolis_id
    WHERE v.sled_id <> ALL (p_sleds)
    ORDER BY r.ordinal LIMIT 1;
  IF FOUND THEN
    PERFORM vmstate.raise_foreign_report(p_function, v_report.propolis_id, p_sleds,
      format('Element %s: ', v_report.ordinal));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_batch_sleds FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_batch_sleds IS 'Raises 42501 for the first report of a batch whose VMM is on none of p_sleds.';
