CREATE OR REPLACE FUNCTION vmstate.lock_batch(p_reports vmstate.batch_report[]) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM FROM vmstate.vmm AS v
    WHERE (v.instance_id, v.id) IN (SELECT r.instance_id, r.propolis_id FROM unnest(p_reports) AS r)
    ORDER BY v.id FOR NO KEY UPDATE;
  PERFORM FROM (
      SELECT r.instance_id, r.propolis_id, unnest(ARRAY[(r.report).migration_in_id, (r.report).migration_out_id])
      FROM unnest(p_reports) AS r
    ) AS r (instance_id, propolis_id, migration_id)
    JOIN vmstate.migration AS m ON m.instance_id = r.instance_id AND m.id = r.migration_id
      AND r.propolis_id IN (m.source_propolis_id, m.destination_propolis_id)
    ORDER BY m.id FOR NO KEY UPDATE OF m;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.lock_batch FROM PUBLIC;
COMMENT ON FUNCTION vmstate.lock_batch IS 'Locks all VMMs of a batch by id, then the migrations of the batch by id.

Locks only migrations that the reporting VMMs are sides of.';
