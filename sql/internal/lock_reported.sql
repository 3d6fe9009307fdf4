CREATE FUNCTION vmstate.lock_reported(p_reports vmstate.numbered_report[]) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM FROM unnest(p_reports) AS r
    JOIN vmstate.vmm AS v ON v.instance_id = (r.report).instance_id AND v.id = (r.report).propolis_id
    WHERE r.round = 1
    ORDER BY v.id FOR NO KEY UPDATE OF v;
  PERFORM FROM unnest(p_reports) AS r
    JOIN vmstate.migration AS m
      ON m.instance_id = (r.report).instance_id AND m.id IN ((r.report).migration_in_id, (r.report).migration_out_id)
    WHERE num_nonnulls((r.report).migration_in_id, (r.report).migration_out_id) > 0
    ORDER BY m.id FOR NO KEY UPDATE OF m;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.lock_reported FROM PUBLIC;
COMMENT ON FUNCTION vmstate.lock_reported IS 'Locks all VMMs of a batch by id, then all its migrations by id.';
