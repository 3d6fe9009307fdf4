CREATE TABLE vmstate.schema_change (
  number integer PRIMARY KEY,
  name text NOT NULL,
  is_breaking boolean NOT NULL,
  time_applied timestamptz NOT NULL DEFAULT clock_timestamp()
);

COMMENT ON TABLE vmstate.schema_change IS 'Keeps the changes of this schema that were applied, whichever tool applied them.

The last statement of each change writes its row.';
COMMENT ON COLUMN vmstate.schema_change.name IS 'Name of the migration file, without .sql.';
COMMENT ON COLUMN vmstate.schema_change.is_breaking IS 'True if services built for an earlier schema stop working.';
