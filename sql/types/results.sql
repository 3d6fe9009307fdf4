CREATE TYPE vmstate.instance_result AS (
  outcome vmstate.outcome,
  reason text,
  instance_id uuid,
  api_state vmstate.api_instance_state,
  state vmstate.instance_state,
  state_generation bigint,
  active_propolis_id uuid,
  destination_propolis_id uuid,
  migration_id uuid
);
COMMENT ON TYPE vmstate.instance_result IS 'What an instance verb answers: the outcome, and the instance as it stands after the call (nulls when not found).';

CREATE TYPE vmstate.start_result AS (
  outcome vmstate.outcome,
  reason text,
  instance_id uuid,
  api_state vmstate.api_instance_state,
  state vmstate.instance_state,
  state_generation bigint,
  active_propolis_id uuid,
  destination_propolis_id uuid,
  migration_id uuid,
  replaced_propolis_id uuid
);
COMMENT ON TYPE vmstate.start_result IS 'vmstate.instance_result, and the unwound VMM that the new one replaced, if any.';

CREATE TYPE vmstate.command_result AS (
  outcome vmstate.outcome,
  reason text,
  instance_id uuid,
  api_state vmstate.api_instance_state,
  state vmstate.instance_state,
  state_generation bigint,
  active_propolis_id uuid,
  destination_propolis_id uuid,
  migration_id uuid,
  command_propolis_ids uuid[]
);
COMMENT ON TYPE vmstate.command_result IS 'vmstate.instance_result, and the live VMMs whose sled agents must be told.';

CREATE TYPE vmstate.update_result AS (
  outcome vmstate.outcome,
  reason text,
  instance_id uuid,
  api_state vmstate.api_instance_state,
  state vmstate.instance_state,
  state_generation bigint,
  active_propolis_id uuid,
  destination_propolis_id uuid,
  migration_id uuid,
  updater_generation bigint,
  updater_lease_until timestamptz,
  new_state vmstate.instance_state,
  new_active_propolis_id uuid,
  new_destination_propolis_id uuid,
  new_migration_id uuid,
  new_intended_state vmstate.intended_state,
  network text,
  network_propolis_id uuid,
  unlinked_propolis_ids uuid[],
  terminate_propolis_ids uuid[],
  plan_token text,
  updater_id uuid
);
COMMENT ON TYPE vmstate.update_result IS 'vmstate.instance_result, the updater lock, and the update plan: the row as it will be, what to do with the network (keep, move, delete; network_propolis_id is where it belongs afterwards), the VMMs that lose their link, those of them to terminate on their sleds, a token that names this plan, and the saga that holds the updater lock (null: nobody).';

CREATE TYPE vmstate.vmm_result AS (
  outcome vmstate.outcome,
  reason text,
  state vmstate.vmm_state,
  state_generation bigint
);
COMMENT ON TYPE vmstate.vmm_result IS 'What a VMM verb answers: the outcome, and the VMM as it stands after the call (nulls when not found).';

CREATE TYPE vmstate.fail_result AS (
  outcome vmstate.outcome,
  reason text,
  state vmstate.vmm_state,
  state_generation bigint,
  update_needed boolean
);
COMMENT ON TYPE vmstate.fail_result IS 'vmstate.vmm_result, and whether the update saga has to run because an instance still names the VMM.';

CREATE TYPE vmstate.report_result AS (
  vmm_outcome vmstate.outcome,
  migration_in_outcome vmstate.outcome,
  migration_out_outcome vmstate.outcome,
  update_needed boolean,
  state vmstate.vmm_state,
  state_generation bigint
);
COMMENT ON TYPE vmstate.report_result IS 'What became of each part of a report (null: not part of it), whether this very report made a linked row terminal so that the update saga has to run, and the VMM as it stands.';

CREATE TYPE vmstate.vmm_report AS (
  instance_id uuid,
  propolis_id uuid,
  state vmstate.reported_vmm_state,
  generation bigint,
  "time" timestamptz,
  migration_in_id uuid,
  migration_in_state vmstate.migration_state,
  migration_in_generation bigint,
  migration_in_time timestamptz,
  migration_out_id uuid,
  migration_out_state vmstate.migration_state,
  migration_out_generation bigint,
  migration_out_time timestamptz
);
COMMENT ON TYPE vmstate.vmm_report IS 'One report of a sled agent, as vmstate.report_vmms takes it: the arguments of vmstate.report_vmm without p_.';

CREATE TYPE vmstate.batch_report AS (
  ordinal integer,
  instance_id uuid,
  propolis_id uuid,
  state vmstate.reported_vmm_state,
  generation bigint,
  "time" timestamptz,
  report vmstate.vmm_report
);
COMMENT ON TYPE vmstate.batch_report IS 'A report with its place in a batch, from 1; report is null when it says nothing of a migration.';

CREATE TYPE vmstate.batch_result AS (
  ordinal integer,
  instance_id uuid,
  propolis_id uuid,
  vmm_outcome vmstate.outcome,
  migration_in_outcome vmstate.outcome,
  migration_out_outcome vmstate.outcome,
  update_needed boolean,
  state vmstate.vmm_state,
  state_generation bigint
);
COMMENT ON TYPE vmstate.batch_result IS 'What became of a report of a batch, with its place there, from 1: a row of vmstate.report_vmms.';
