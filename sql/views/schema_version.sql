CREATE OR REPLACE VIEW vmstate.schema_version AS
SELECT
  c.number,
  c.name,
  c.time_applied,
  coalesce((SELECT max(b.number) FROM vmstate.schema_change AS b WHERE b.is_breaking), 0) AS breaking_number
FROM vmstate.schema_change AS c
WHERE c.number = (SELECT max(l.number) FROM vmstate.schema_change AS l);
COMMENT ON VIEW vmstate.schema_version IS 'Shows the newest change of the schema that was applied.

A service that was built for a schema older than breaking_number does not work with this database; breaking_number 0 means that no change was breaking. The function assertCompatible of the client checks this.';
