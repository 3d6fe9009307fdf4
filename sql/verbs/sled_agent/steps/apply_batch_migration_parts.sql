CREATE OR REPLACE FUNCTION vmstate.apply_batch_migration_parts(
  p_reports vmstate.batch_report[],
  p_results vmstate.batch_result[],
  p_sleds uuid[]
) RETURNS SETOF vmstate.batch_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM FROM unnest(p_results) AS s
    JOIN unnest(p_reports) AS r ON r.ordinal = s.ordinal AND r.report IS DISTINCT FROM NULL
    JOIN vmstate.migration AS m ON m.instance_id = r.instance_id
      AND m.id IN ((r.report).migration_in_id, (r.report).migration_out_id)
      AND r.propolis_id IN (m.source_propolis_id, m.destination_propolis_id)
    -- Skips VMMs that were not found: a migration of such a VMM was inserted since. Another batch may have locked that migration
    -- after rows with greater ids, so to lock it here, too, would break the lock order.
    WHERE s.vmm_outcome <> 'not_found'
    ORDER BY m.id FOR NO KEY UPDATE OF m;
  RETURN QUERY
    SELECT b.ordinal, b.instance_id, b.propolis_id, b.vmm_outcome,
        (b.parts).migration_in_outcome, (b.parts).migration_out_outcome,
        b.update_needed OR coalesce((b.parts).update_needed, false), b.state, b.state_generation
      FROM (
        SELECT s.*,
            CASE
              WHEN s.report IS NOT DISTINCT FROM NULL THEN NULL::vmstate.report_result
              WHEN s.vmm_outcome = 'not_found' THEN vmstate.explain_refused_parts(s.report)
              ELSE vmstate.apply_migration_parts('report_vmms', s.report, p_sleds)
            END AS parts
          FROM (
            SELECT o.*, r.report FROM unnest(p_results) AS o JOIN unnest(p_reports) AS r ON r.ordinal = o.ordinal
              ORDER BY o.ordinal OFFSET 0
          ) AS s
          OFFSET 0
      ) AS b
      ORDER BY b.ordinal;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.apply_batch_migration_parts FROM PUBLIC;
COMMENT ON FUNCTION vmstate.apply_batch_migration_parts IS 'Judges and writes the migration parts of a batch, in the order of the batch.

Completes the results that the VMM parts have. The caller has locked the VMMs; this function locks by id the migrations of which a reporting VMM is a side.';
