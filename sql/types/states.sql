CREATE TYPE vmstate.vmm_state AS ENUM ('creating', 'starting', 'running', 'stopping', 'stopped', 'rebooting', 'migrating', 'failed', 'destroyed', 'saga_unwound');
COMMENT ON TYPE vmstate.vmm_state IS 'State of a VMM. failed, destroyed and saga_unwound are absorbing. saga_unwound is set only by an unwinding start or migrate saga and never leaves the database.';

CREATE TYPE vmstate.reported_vmm_state AS ENUM ('starting', 'running', 'stopping', 'stopped', 'rebooting', 'migrating', 'failed', 'destroyed');
COMMENT ON TYPE vmstate.reported_vmm_state IS 'What a sled agent can say of a VMM: neither creating nor saga_unwound.';

CREATE TYPE vmstate.api_vmm_state AS ENUM ('creating', 'starting', 'running', 'stopping', 'stopped', 'rebooting', 'migrating', 'failed', 'destroyed');
COMMENT ON TYPE vmstate.api_vmm_state IS 'State of a VMM as the API shows it: saga_unwound appears as destroyed.';

CREATE TYPE vmstate.instance_state AS ENUM ('creating', 'no_vmm', 'vmm', 'failed', 'destroyed');
COMMENT ON TYPE vmstate.instance_state IS 'State of an instance row. While it is vmm, what the user sees derives from its VMMs: vmstate.effective_instance_state.';

CREATE TYPE vmstate.api_instance_state AS ENUM ('creating', 'starting', 'running', 'stopping', 'stopped', 'rebooting', 'migrating', 'failed', 'destroyed');
COMMENT ON TYPE vmstate.api_instance_state IS 'State of an instance as the API shows it.';

CREATE TYPE vmstate.migration_state AS ENUM ('pending', 'in_progress', 'failed', 'completed');
COMMENT ON TYPE vmstate.migration_state IS 'State of one side of a migration. failed and completed are terminal.';

CREATE TYPE vmstate.migration_verdict AS ENUM ('none', 'void', 'in_progress', 'handed_over', 'completed', 'failed');
COMMENT ON TYPE vmstate.migration_verdict IS 'What the two sides and the VMMs of a linked migration amount to: vmstate.migration_verdict.';

CREATE TYPE vmstate.intended_state AS ENUM ('running', 'stopped', 'guest_shutdown', 'destroyed');
COMMENT ON TYPE vmstate.intended_state IS 'What the instance should be: the user''s wish, or guest_shutdown after the guest ended its VM itself.';

CREATE TYPE vmstate.auto_restart_policy AS ENUM ('never', 'best_effort');
COMMENT ON TYPE vmstate.auto_restart_policy IS 'Whether the control plane may start an instance again after it failed. NULL in a row means best_effort.';

CREATE TYPE vmstate.failure_reason AS ENUM ('sled_agent_report', 'no_such_vmm', 'sled_expunged', 'sled_off', 'operator');
COMMENT ON TYPE vmstate.failure_reason IS 'Why a VMM is failed.';

CREATE TYPE vmstate.outcome AS ENUM ('applied', 'unchanged', 'stale', 'terminal', 'conflict', 'wrong_side', 'gone', 'not_found');
COMMENT ON TYPE vmstate.outcome IS 'What became of a call. applied: written. unchanged: a replay, or nothing to do. stale: generation not newer. terminal: the row is absorbing. conflict: see reason. wrong_side: the VMM is not that side of the migration. gone: the row was deleted. not_found: it never existed, or belongs to another instance.';

CREATE TYPE vmstate.access_kind AS ENUM ('control_plane', 'sled_agent', 'reader');
COMMENT ON TYPE vmstate.access_kind IS 'What vmstate.grant_access makes of a role. control_plane: every verb and every public view. sled_agent: the reports, of the VMMs of its own sled, and schema_version. reader: every public view, and explain_update.';
