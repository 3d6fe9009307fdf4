CREATE OR REPLACE VIEW vmstate.schema_version AS
SELECT
  c.number,
  c.name,
  c.time_applied,
  coalesce((SELECT max(b.number) FROM vmstate.schema_change AS b WHERE b.is_breaking), 0) AS breaking_number
FROM vmstate.schema_change AS c
WHERE c.number = (SELECT max(l.number) FROM vmstate.schema_change AS l);
COMMENT ON VIEW vmstate.schema_version IS 'The newest change of the schema that was applied. A service that knows less than breaking_number (0: none was breaking) no longer works with this database; assertCompatible asks.';
