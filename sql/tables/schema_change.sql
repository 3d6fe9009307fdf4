CREATE TABLE vmstate.schema_change (
  number integer PRIMARY KEY,
  name text NOT NULL,
  is_breaking boolean NOT NULL,
  time_applied timestamptz NOT NULL DEFAULT clock_timestamp()
);

COMMENT ON TABLE vmstate.schema_change IS 'The changes of this schema that were applied, whichever tool did it: the last statement of each writes its row.';
COMMENT ON COLUMN vmstate.schema_change.name IS 'That of its file, without .sql.';
COMMENT ON COLUMN vmstate.schema_change.is_breaking IS 'Whether services of before this change no longer work with it.';
