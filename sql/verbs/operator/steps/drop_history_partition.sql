CREATE OR REPLACE FUNCTION vmstate.drop_history_partition(p_partition text, p_upper timestamptz) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_newest pg_catalog.record;
BEGIN
  IF NOT EXISTS (SELECT FROM vmstate.history_partitions() AS p WHERE p.name = p_partition AND p.upper = p_upper) THEN
    RETURN;
  END IF;
  -- As DROP TABLE locks them. From here on nobody writes to the partition, and nobody reads it but in a later snapshot.
  LOCK TABLE ONLY vmstate.history IN ACCESS EXCLUSIVE MODE;
  EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', p_partition::pg_catalog.regclass);
  EXECUTE format('SELECT (SELECT max(h.id) FROM %1$s AS h) AS id,
    (SELECT h.transaction_id::pg_catalog.text::bigint FROM %1$s AS h ORDER BY h.transaction_id DESC LIMIT 1) AS transaction_id',
    p_partition::pg_catalog.regclass) INTO v_newest;
  IF v_newest.id IS NOT NULL THEN
    PERFORM vmstate.note_dropped_history(v_newest.id, p_upper - interval '1 microsecond', v_newest.transaction_id);
  END IF;
  EXECUTE format('DROP TABLE %s', p_partition::pg_catalog.regclass);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.drop_history_partition FROM PUBLIC;
COMMENT ON FUNCTION vmstate.drop_history_partition IS 'Drops a partition of the history, and notes what was in it.

Locks history, the partition and history_default (ACCESS EXCLUSIVE).';
