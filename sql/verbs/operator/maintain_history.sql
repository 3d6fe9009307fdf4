CREATE OR REPLACE FUNCTION vmstate.maintain_history(
  p_keep interval DEFAULT '90 days',
  p_width interval DEFAULT '7 days',
  p_force boolean DEFAULT false
) RETURNS vmstate.maintenance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET timezone = 'UTC'
SET lock_timeout = '100ms'
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
  v_from pg_catalog.timestamptz;
  v_to pg_catalog.timestamptz;
  v_partition pg_catalog.record;
  v_reason pg_catalog.text;
  v_result vmstate.maintenance_result := ROW('unchanged', NULL, 0, 0, 0);
BEGIN
  IF num_nulls(p_keep, p_width, p_force) > 0 THEN
    PERFORM vmstate.raise_null_argument('maintain_history', jsonb_build_object('p_keep', p_keep, 'p_width', p_width, 'p_force', p_force));
  END IF;
  PERFORM vmstate.require_history_width(p_keep, p_width);
  IF NOT pg_try_advisory_xact_lock('vmstate.maintain_history'::pg_catalog.regproc::bigint) THEN
    RETURN v_result;
  END IF;

  -- Verbs and readers queue behind a lock that this call waits for: so each wait is short, and what is not locked in time is
  -- left to the next call. The locks of a drop come last, because all verbs wait for them until the end of the transaction.
  BEGIN
    v_result.deleted := vmstate.delete_old_history(v_now - p_keep);
  EXCEPTION
    WHEN lock_not_available THEN
      v_reason := 'locked';
  END;

  SELECT max(p.upper) INTO v_from FROM vmstate.history_partitions() AS p;
  v_from := coalesce(v_from, date_bin(p_width, v_now, '2000-01-03 00:00:00+00'));
  IF v_from + p_width <= v_now THEN
    v_from := date_bin(p_width, v_now, v_from);
  END IF;
  WHILE v_from < v_now + 2 * p_width LOOP
    IF NOT p_force AND (SELECT count(*) FROM (SELECT FROM vmstate.history_default LIMIT 100001) AS h) > 100000 THEN
      IF v_reason IS NULL THEN
        v_reason := 'default_full';
      END IF;
      EXIT;
    END IF;
    v_to := v_from + p_width;
    IF NOT EXISTS (SELECT FROM vmstate.history_default AS h WHERE h.time >= v_from AND h.time < v_to) THEN
      BEGIN
        PERFORM vmstate.add_history_partition(v_from, v_to);
        v_result.created := v_result.created + 1;
      EXCEPTION
        WHEN lock_not_available OR check_violation THEN -- the latter: a row of the default came into the range
          v_reason := 'locked';
          EXIT;
      END;
    END IF;
    v_from := v_to;
  END LOOP;

  FOR v_partition IN SELECT p.name, p.upper FROM vmstate.history_partitions() AS p WHERE p.upper <= v_now - p_keep ORDER BY p.lower LOOP
    BEGIN
      PERFORM vmstate.drop_history_partition(v_partition.name, v_partition.upper);
      v_result.dropped := v_result.dropped + 1;
    EXCEPTION
      WHEN lock_not_available THEN
        v_reason := 'locked';
        EXIT;
    END;
  END LOOP;
  v_result.outcome := CASE
    WHEN v_reason IS NOT NULL THEN 'conflict'
    WHEN v_result.created + v_result.dropped + v_result.deleted > 0 THEN 'applied'
    ELSE 'unchanged'
  END;
  v_result.reason := v_reason;
  RETURN v_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.maintain_history FROM PUBLIC;
COMMENT ON FUNCTION vmstate.maintain_history IS 'Makes the partitions of the history that come next, and drops old ones.

Call it once an hour or a day. Makes what is missing up to two times p_width (default 7 days; at least 1 hour, at most p_keep, without months) ahead, so that no verb writes to history_default. Drops partitions that are wholly older than p_keep (default 90 days; at least 1 day), and deletes rows of history_default that are older, 10,000 in a call: vmstate.history_extent says what is left. A range of time of which history_default has a row gets no partition. Verbs wait at most 100 ms for a lock of this call, and then while it ends its transaction: call it outside of a transaction. p_force makes partitions although history_default has more than 100,000 rows, which PostgreSQL reads while writers of that table wait. If it is never called, nothing breaks and nothing is dropped.

Outcomes:
- applied: partitions were made or dropped, or rows deleted: created, dropped and deleted say how many.
- unchanged: there was nothing to do, or another session is doing it.
- conflict/locked: another session held a lock, or wrote to history_default: what was left is for the next call. What was done stays.
- conflict/default_full: history_default has more than 100,000 rows, so no partition was made. What was deleted stays.
Errors:
- VM001: an argument is null, p_keep or p_width is out of its range, or the history would have more than 20 partitions.';
