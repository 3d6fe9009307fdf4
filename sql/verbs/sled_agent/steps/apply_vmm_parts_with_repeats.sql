CREATE OR REPLACE FUNCTION vmstate.apply_vmm_parts_with_repeats(p_reports vmstate.batch_report[], p_sleds uuid[])
RETURNS SETOF vmstate.batch_result
LANGUAGE plpgsql
SET search_path = ''
SET plan_cache_mode = 'force_generic_plan'
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
BEGIN
  RETURN QUERY
    -- newest: the generation that a report must exceed, that of the row or of an earlier report of the same VMM.
    WITH ranked AS (
      SELECT r.*, vmstate.from_report(r.state) AS new_state,
          v.state AS old_state, v.state_generation, v.time_deleted, v.time_unlinked IS NULL AS linked,
          vmstate.counts_as_running(r.state, v.migration_id IS NOT NULL) AS counts_as_running,
          greatest(v.state_generation, max(r.generation) OVER earlier) AS newest
        FROM (SELECT u.* FROM unnest(p_reports) AS u ORDER BY u.propolis_id) AS r
        -- Locks the VMMs in order of their ids. PostgreSQL re-reads a row after a wait, so each report is judged by the newest row.
        LEFT JOIN LATERAL (
          SELECT w.state, w.state_generation, w.time_deleted, w.time_unlinked, w.migration_id
            FROM vmstate.vmm AS w
            WHERE w.instance_id = r.instance_id AND w.id = r.propolis_id
              -- A VMM on another sled was inserted after the sleds of the batch were checked: it is not_found.
              AND (p_sleds IS NULL OR w.sled_id = ANY (p_sleds))
            FOR NO KEY UPDATE
        ) AS v ON true
        WINDOW earlier AS (PARTITION BY r.propolis_id, r.instance_id ORDER BY r.ordinal
          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ),
    judged AS (
      SELECT r.*,
          CASE
            WHEN r.old_state IS NOT NULL AND r.time_deleted IS NULL
              AND bool_or(vmstate.is_absorbing(r.new_state) AND r.generation > r.newest) OVER earlier THEN 'terminal'
            ELSE vmstate.vmm_report_outcome(r.old_state, r.newest, r.time_deleted, r.generation)
          END AS outcome
        FROM ranked AS r
        WINDOW earlier AS (PARTITION BY r.propolis_id, r.instance_id ORDER BY r.ordinal
          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ),
    -- applied_so_far: how many reports of the VMM are applied up to this one. With 0 the VMM still is as its row was read.
    numbered AS MATERIALIZED (
      SELECT j.*, count(*) FILTER (WHERE j.outcome = 'applied')
            OVER (PARTITION BY j.propolis_id, j.instance_id ORDER BY j.ordinal) AS applied_so_far
        FROM judged AS j
    ),
    apply_reports AS (
      UPDATE vmstate.vmm AS v
        SET state = c.state,
          state_generation = c.generation,
          time_state_updated = c.time,
          time_reported = v_now,
          time_started = CASE WHEN c.counts_as_running THEN coalesce(v.time_started, v_now) ELSE v.time_started END,
          failure_reason = CASE WHEN c.state = 'failed' THEN 'sled_agent_report'::vmstate.failure_reason END
        FROM (
          SELECT n.instance_id, n.propolis_id, max(n.generation) AS generation,
              (array_agg(n.new_state ORDER BY n.ordinal DESC))[1] AS state,
              (array_agg(n.time ORDER BY n.ordinal DESC))[1] AS time,
              bool_or(n.counts_as_running) AS counts_as_running
            FROM numbered AS n
            WHERE n.outcome = 'applied'
            GROUP BY n.instance_id, n.propolis_id
        ) AS c
        WHERE v.instance_id = c.instance_id AND v.id = c.propolis_id
    )
    SELECT n.ordinal, n.instance_id, n.propolis_id, n.outcome, NULL::vmstate.outcome, NULL::vmstate.outcome,
        n.outcome = 'applied' AND n.linked AND vmstate.is_absorbing(n.new_state),
        CASE WHEN n.applied_so_far > 0 THEN first_value(n.new_state) OVER latest ELSE n.old_state END,
        CASE WHEN n.applied_so_far > 0 THEN first_value(n.generation) OVER latest ELSE n.state_generation::bigint END
      FROM numbered AS n
      WINDOW latest AS (PARTITION BY n.propolis_id, n.instance_id, n.applied_so_far ORDER BY n.ordinal)
      ORDER BY n.ordinal;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.apply_vmm_parts_with_repeats FROM PUBLIC;
COMMENT ON FUNCTION vmstate.apply_vmm_parts_with_repeats IS 'Judges and writes the VMM parts of a batch that names a VMM several times.

Does what apply_vmm_parts does; later reports of a VMM are judged after earlier ones, and each VMM is written once.';
