CREATE OR REPLACE FUNCTION vmstate.history_partitions() RETURNS TABLE (name text, lower timestamptz, upper timestamptz)
LANGUAGE plpgsql STABLE
SET search_path = ''
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
BEGIN
  RETURN QUERY
    SELECT c.oid::pg_catalog.regclass::pg_catalog.text, b.bounds[1]::pg_catalog.timestamptz, b.bounds[2]::pg_catalog.timestamptz
      FROM pg_catalog.pg_inherits AS i
      JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
      CROSS JOIN LATERAL regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''(.*)''\) TO \(''(.*)''\)') AS b (bounds)
      WHERE i.inhparent = 'vmstate.history'::pg_catalog.regclass AND b.bounds IS NOT NULL
      ORDER BY 2;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.history_partitions FROM PUBLIC;
COMMENT ON FUNCTION vmstate.history_partitions IS 'Lists the partitions of the history with their bounds, without the default.';
