-- Rows of history_default are deleted for age, and no column of a row is a key: a publication could not tell which row is meant.
ALTER TABLE vmstate.history REPLICA IDENTITY FULL;
-- The partitions begin with the present week; maintain_history makes those that follow. What was before is not recorded.
DO $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
  v_from pg_catalog.timestamptz := date_bin('7 days', v_now, '2000-01-03 00:00:00+00');
BEGIN
  PERFORM setval('vmstate.history_dropped_time', trunc(extract(epoch FROM v_now) * 1000000)::bigint);
  FOR v_week IN 0..1 LOOP
    PERFORM vmstate.add_history_partition(v_from + v_week * interval '168 hours', v_from + (v_week + 1) * interval '168 hours');
  END LOOP;
END;
$$;
