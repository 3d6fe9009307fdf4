CREATE TYPE vmstate.auto_restart_policy AS ENUM ('never', 'best_effort');
COMMENT ON TYPE vmstate.auto_restart_policy IS 'Whether the control plane may start an instance again after it failed. NULL in a row means best_effort.';
