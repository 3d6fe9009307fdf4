CREATE OR REPLACE FUNCTION vmstate.add_history_partition(p_from timestamptz, p_to timestamptz) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
SET timezone = 'UTC'
SET datestyle = 'ISO'
SET default_tablespace = ''
AS $$
DECLARE
  v_name pg_catalog.text := 'history_' || to_char(p_from, 'YYYYMMDD_HH24MI');
BEGIN
  IF (p_from < p_to) IS NOT TRUE
      OR EXISTS (SELECT FROM vmstate.history_partitions() AS p WHERE p.lower < p_to AND p.upper > p_from) THEN
    RETURN;
  END IF;
  -- ATTACH keeps no verb from writing to the other partitions, as CREATE TABLE … PARTITION OF would.
  EXECUTE format('CREATE TABLE vmstate.%I (LIKE vmstate.history INCLUDING ALL EXCLUDING INDEXES EXCLUDING COMMENTS)', v_name);
  EXECUTE format('ALTER TABLE vmstate.%I REPLICA IDENTITY FULL', v_name);
  EXECUTE format('CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON vmstate.%I FOR EACH STATEMENT EXECUTE FUNCTION vmstate.guard_history()', v_name);
  EXECUTE format('COMMENT ON TABLE vmstate.%I IS %L', v_name, 'Takes changes of vmstate.history. Made and dropped by maintain_history.');
  EXECUTE format('ALTER TABLE vmstate.history ATTACH PARTITION vmstate.%I FOR VALUES FROM (%L) TO (%L)', v_name, p_from, p_to);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.add_history_partition FROM PUBLIC;
COMMENT ON FUNCTION vmstate.add_history_partition IS 'Adds the partition of the history for one range of time.

Locks history (SHARE UPDATE EXCLUSIVE) and history_default (ACCESS EXCLUSIVE), of which ATTACH reads every row. PostgreSQL raises 23514 if one of those rows belongs to the new partition.';
