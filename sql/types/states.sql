CREATE TYPE vmstate.vmm_state AS ENUM ('creating', 'starting', 'running', 'stopping', 'stopped', 'rebooting', 'migrating', 'failed', 'destroyed', 'saga_unwound');
COMMENT ON TYPE vmstate.vmm_state IS 'Names the state of a VMM; failed, destroyed and saga_unwound are absorbing.

saga_unwound is set only by an unwinding start or migrate saga and never leaves the database.';

CREATE TYPE vmstate.reported_vmm_state AS ENUM ('starting', 'running', 'stopping', 'stopped', 'rebooting', 'migrating', 'failed', 'destroyed');
COMMENT ON TYPE vmstate.reported_vmm_state IS 'Names what a sled agent can say of a VMM: neither creating nor saga_unwound.';

CREATE TYPE vmstate.api_vmm_state AS ENUM ('creating', 'starting', 'running', 'stopping', 'stopped', 'rebooting', 'migrating', 'failed', 'destroyed');
COMMENT ON TYPE vmstate.api_vmm_state IS 'Names the state of a VMM as the API shows it: saga_unwound appears as destroyed.';

CREATE TYPE vmstate.instance_state AS ENUM ('creating', 'no_vmm', 'vmm', 'failed', 'destroyed');
COMMENT ON TYPE vmstate.instance_state IS 'Names the state of an instance row.

While the state is vmm, what the user sees derives from the VMMs of the instance: vmstate.effective_instance_state.';

CREATE TYPE vmstate.api_instance_state AS ENUM ('creating', 'starting', 'running', 'stopping', 'stopped', 'rebooting', 'migrating', 'failed', 'destroyed');
COMMENT ON TYPE vmstate.api_instance_state IS 'Names the state of an instance as the API shows it.';

CREATE TYPE vmstate.migration_state AS ENUM ('pending', 'in_progress', 'failed', 'completed');
COMMENT ON TYPE vmstate.migration_state IS 'Names the state of one side of a migration; failed and completed are terminal.';

CREATE TYPE vmstate.migration_verdict AS ENUM ('none', 'void', 'in_progress', 'handed_over', 'completed', 'failed');
COMMENT ON TYPE vmstate.migration_verdict IS 'Says what a linked migration amounts to, by its two sides and its VMMs.

The function vmstate.migration_verdict decides.';

CREATE TYPE vmstate.intended_state AS ENUM ('running', 'stopped', 'guest_shutdown', 'destroyed');
COMMENT ON TYPE vmstate.intended_state IS 'Says what an instance should be.

The user decides, but guest_shutdown follows when the guest ended its VM itself.';

CREATE TYPE vmstate.auto_restart_policy AS ENUM ('never', 'best_effort');
COMMENT ON TYPE vmstate.auto_restart_policy IS 'Says whether the control plane may restart an instance automatically.

NULL in a row means best_effort.';

CREATE TYPE vmstate.failure_reason AS ENUM ('sled_agent_report', 'no_such_vmm', 'sled_expunged', 'sled_off', 'operator');
COMMENT ON TYPE vmstate.failure_reason IS 'Says why a VMM is failed.';

CREATE TYPE vmstate.outcome AS ENUM ('applied', 'unchanged', 'stale', 'terminal', 'conflict', 'wrong_side', 'gone', 'not_found');
COMMENT ON TYPE vmstate.outcome IS 'Says what became of a call.

Values:
- applied: the call wrote what was asked.
- unchanged: the call is a replay, or there is nothing to do.
- stale: the generation is not newer than the recorded one.
- terminal: the VMM is dead, or the side of the migration has ended.
- conflict: the call is refused, and the column reason says why.
- wrong_side: the VMM is not that side of the migration.
- gone: the row was deleted.
- not_found: the row never existed, or belongs to another instance.';

CREATE TYPE vmstate.change_kind AS ENUM ('instance', 'vmm', 'migration');
COMMENT ON TYPE vmstate.change_kind IS 'Names the table of a row whose change vmstate.history records.';

CREATE TYPE vmstate.access_kind AS ENUM ('control_plane', 'sled_agent', 'reader', 'operator');
COMMENT ON TYPE vmstate.access_kind IS 'Names what vmstate.grant_access makes of a role.

Values:
- control_plane: every verb and every public view.
- sled_agent: the reports, of the VMMs of its own sled, and the view schema_version.
- reader: every public view, explain_update, instances_in_state and instance_at.
- operator: what a reader has, and maintain_history.';
