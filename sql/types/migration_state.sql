CREATE TYPE vmstate.migration_state AS ENUM ('pending', 'in_progress', 'failed', 'completed');
COMMENT ON TYPE vmstate.migration_state IS 'State of one side of a migration. failed and completed are terminal.';
