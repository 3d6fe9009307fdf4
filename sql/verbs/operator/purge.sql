CREATE OR REPLACE FUNCTION vmstate.purge(
  p_before timestamptz,
  p_limit integer DEFAULT 1000
) RETURNS TABLE (
  migrations integer,
  vmms integer,
  instances integer,
  left_over boolean
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
DECLARE
  v_rows_left integer := p_limit;
  v_due integer;
BEGIN
  IF num_nulls(p_before, p_limit) > 0 THEN
    PERFORM vmstate.raise_null_argument('purge', jsonb_build_object('p_before', p_before, 'p_limit', p_limit));
  ELSIF p_before > clock_timestamp() - interval '1 hour' THEN
    PERFORM vmstate.raise_invalid_argument('purge', 'p_before', format('p_before must be at least 1 hour ago, not %s.', p_before));
  ELSIF p_limit NOT BETWEEN 1 AND 100000 THEN
    PERFORM vmstate.raise_invalid_argument('purge', 'p_limit', format('p_limit must be from 1 to 100000, not %s.', p_limit));
  END IF;

  -- SKIP LOCKED passes over rows that other sessions have locked, so that purge never waits and cannot deadlock, although
  -- foreign keys make it delete in the opposite of the lock order. Each statement looks for one row more than it may delete, to
  -- tell left_over. OFFSET 0 looks each row up by index, however many rows the planner expects to be due.
  WITH due AS MATERIALIZED (
    SELECT d.instance_id, d.id FROM vmstate.migration AS d
      WHERE d.time_deleted < p_before
        AND NOT EXISTS (SELECT FROM vmstate.vmm AS v
          WHERE v.instance_id = d.instance_id AND v.id IN (d.source_propolis_id, d.destination_propolis_id)
            AND v.time_deleted IS NULL
            -- A destination VMM that came by logical replication from 0.1.0 has no migration_id.
            AND (v.time_unlinked IS NOT NULL OR (v.id = d.destination_propolis_id AND v.migration_id IS NULL))
          OFFSET 0)
      ORDER BY d.time_deleted LIMIT v_rows_left + 1 FOR UPDATE SKIP LOCKED
  ),
  purged AS (
    DELETE FROM vmstate.migration AS m USING (SELECT d.* FROM due AS d LIMIT v_rows_left) AS c
      WHERE m.instance_id = c.instance_id AND m.id = c.id RETURNING m.id
  )
  SELECT (SELECT count(*) FROM purged), (SELECT count(*) FROM due) INTO migrations, v_due;
  left_over := v_due > v_rows_left;
  v_rows_left := v_rows_left - migrations;

  WITH due AS MATERIALIZED (
    SELECT d.instance_id, d.id FROM vmstate.vmm AS d
      WHERE d.time_deleted < p_before
        AND NOT EXISTS (SELECT FROM vmstate.migration AS m
          WHERE m.instance_id = d.instance_id AND d.id IN (m.source_propolis_id, m.destination_propolis_id)
          OFFSET 0)
      ORDER BY d.time_deleted LIMIT v_rows_left + 1 FOR UPDATE SKIP LOCKED
  ),
  purged AS (
    DELETE FROM vmstate.vmm AS v USING (SELECT d.* FROM due AS d LIMIT v_rows_left) AS c
      WHERE v.instance_id = c.instance_id AND v.id = c.id RETURNING v.id
  )
  SELECT (SELECT count(*) FROM purged), (SELECT count(*) FROM due) INTO vmms, v_due;
  left_over := left_over OR v_due > v_rows_left;
  v_rows_left := v_rows_left - vmms;

  WITH due AS MATERIALIZED (
    SELECT d.id FROM vmstate.instance AS d
      WHERE d.time_deleted < p_before
        AND NOT EXISTS (SELECT FROM vmstate.vmm AS v WHERE v.instance_id = d.id OFFSET 0)
        AND NOT EXISTS (SELECT FROM vmstate.migration AS m WHERE m.instance_id = d.id OFFSET 0)
      ORDER BY d.time_deleted LIMIT v_rows_left + 1 FOR UPDATE SKIP LOCKED
  ),
  purged AS (
    DELETE FROM vmstate.instance AS i USING (SELECT d.* FROM due AS d LIMIT v_rows_left) AS c
      WHERE i.id = c.id RETURNING i.id
  )
  SELECT (SELECT count(*) FROM purged), (SELECT count(*) FROM due) INTO instances, v_due;
  left_over := left_over OR v_due > v_rows_left;
  RETURN NEXT;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.purge FROM PUBLIC;
COMMENT ON FUNCTION vmstate.purge IS 'Hard-deletes rows that were soft-deleted before p_before.

Deletes migrations of which no VMM is in orphaned_vmm or abandoned_vmm, then VMMs that no migration names, then instances that have neither: at most p_limit rows (1 to 100000, default 1000) of all three. Answers one row: how many of each were deleted, and left_over, which is true if more than p_limit rows were due, so that purge must be called again. Skips rows that other sessions have locked, and waits for no lock. Afterwards a late replay of create_instance, begin_start or begin_migration begins anew, and a late report is not_found: let p_before lie further back than any saga or network partition lasts.

Errors:
- VM001: an argument is null, p_before is less than 1 hour ago, or p_limit is not 1 to 100000.';
