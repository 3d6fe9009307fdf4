CREATE OR REPLACE VIEW vmstate.silent_sled AS
-- Goes from one sled to the next in index vmm_on_sled, past the VMMs of each: a DISTINCT would read every VMM.
WITH RECURSIVE sled AS (
  SELECT (SELECT v.sled_id FROM vmstate.vmm AS v WHERE v.time_deleted IS NULL ORDER BY v.sled_id LIMIT 1) AS id
  UNION ALL
  SELECT (
    SELECT v.sled_id FROM vmstate.vmm AS v
    WHERE v.time_deleted IS NULL AND v.sled_id > s.id
    ORDER BY v.sled_id LIMIT 1
  )
  FROM sled AS s
  WHERE s.id IS NOT NULL
)
SELECT c.sled_id, v.vmm_count, v.time_last_heard, v.time_last_heard + vmstate.silent_after() AS since
FROM (
  SELECT h.sled_id, h.time_reported
  FROM (
    SELECT s.id AS sled_id, (SELECT r.time_reported FROM vmstate.sled_report AS r WHERE r.sled_id = s.id) AS time_reported
    FROM sled AS s
    WHERE s.id IS NOT NULL
    OFFSET 0
  ) AS h
  WHERE coalesce(h.time_reported < statement_timestamp() - vmstate.silent_after(), true)
    -- Looks for one VMM that was heard: all VMMs of the sled are read only if there is none. Written as a subquery that is null,
    -- because the planner may answer NOT EXISTS by a scan of all VMMs.
    AND (
      SELECT true FROM vmstate.vmm AS v
      WHERE v.sled_id = h.sled_id AND v.time_deleted IS NULL AND vmstate.is_watched(v.state)
        AND v.time_reported >= statement_timestamp() - vmstate.silent_after()
      LIMIT 1
    ) IS NULL
  OFFSET 0
) AS c
CROSS JOIN LATERAL (
  SELECT count(*)::integer AS vmm_count,
    greatest(c.time_reported, max(vmstate.last_heard(w.time_reported, w.time_state_updated, statement_timestamp()))) AS time_last_heard
  FROM vmstate.vmm AS w
  WHERE w.sled_id = c.sled_id AND w.time_deleted IS NULL AND vmstate.is_watched(w.state)
  OFFSET 0
) AS v
WHERE v.vmm_count > 0
ORDER BY since, c.sled_id;
COMMENT ON VIEW vmstate.silent_sled IS 'Lists sleds that should have VMMs and have not been heard for 1 minute.

Longest silent first; vmstate.silent_after() is the threshold. A sled is heard when report_sled answers it, also with differs, and when a report of one of its VMMs is accepted. vmm_count is the number of VMMs that the database has on the sled, alive and known to the sled; a sled without one is not listed. time_last_heard is by the clock of the database, and so is since, from when on the sled counts as silent. If the host is dead, call fail_sled. Costs in proportion to the sleds that have VMMs, and to the VMMs of the silent ones.';
