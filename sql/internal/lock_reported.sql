CREATE FUNCTION vmstate.lock_reported(p_reports vmstate.numbered_report[]) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM FROM vmstate.vmm AS v
    WHERE (v.instance_id, v.id) IN (SELECT r.instance_id, r.propolis_id FROM unnest(p_reports) AS r)
    ORDER BY v.id FOR NO KEY UPDATE;
  PERFORM FROM vmstate.migration AS m
    WHERE (m.instance_id, m.id) IN (
      SELECT r.instance_id, r.migration_in_id FROM unnest(p_reports) AS r
      UNION ALL
      SELECT r.instance_id, r.migration_out_id FROM unnest(p_reports) AS r
    )
    ORDER BY m.id FOR NO KEY UPDATE;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.lock_reported FROM PUBLIC;
COMMENT ON FUNCTION vmstate.lock_reported IS 'Locks all VMMs of a batch by id, then all its migrations by id.';
