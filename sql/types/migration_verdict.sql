CREATE TYPE vmstate.migration_verdict AS ENUM ('none', 'void', 'in_progress', 'handed_over', 'completed', 'failed');
COMMENT ON TYPE vmstate.migration_verdict IS 'What the two sides and the VMMs of a linked migration amount to: vmstate.migration_verdict.';
