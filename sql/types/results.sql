CREATE TYPE vmstate.vmm_address AS (
  propolis_id uuid,
  sled_id uuid,
  propolis_ip inet,
  propolis_port integer
);
COMMENT ON TYPE vmstate.vmm_address IS 'Says where a VMM is: its sled, and the address on which it listens.';

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
COMMENT ON TYPE vmstate.instance_result IS 'Answers an instance verb: the outcome, and the instance after the call.

The columns of the instance are null if the outcome is not_found.';

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
COMMENT ON TYPE vmstate.start_result IS 'Answers begin_start.

Has the columns of vmstate.instance_result, and the unwound VMM that the new VMM replaced, if any.';

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
  command_propolis_ids uuid[],
  command_vmms vmstate.vmm_address[]
);
COMMENT ON TYPE vmstate.command_result IS 'Answers request_stop and request_reboot.

Has the columns of vmstate.instance_result, and the live VMMs whose sled agents must be told: their ids (command_propolis_ids) and, in the same order, where they are (command_vmms).';

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
  updater_id uuid,
  network_vmm vmstate.vmm_address,
  unlinked_vmms vmstate.vmm_address[],
  terminate_vmms vmstate.vmm_address[]
);
COMMENT ON TYPE vmstate.update_result IS 'Answers a verb of the update saga: the instance, the updater lock and the plan.

Has the columns of vmstate.instance_result, then the fencing token and the lease of the updater lock, and the saga that holds the lock (updater_id; null: nobody). The plan: the row as it will be (new_…), what to do with the network (keep, move or delete; network_propolis_id is where the network belongs afterwards), the VMMs that lose their link, those of them to terminate on their sleds, and plan_token, which names this plan. network_vmm, unlinked_vmms and terminate_vmms say where the VMMs are that network_propolis_id, unlinked_propolis_ids and terminate_propolis_ids name, in the same order.';

CREATE TYPE vmstate.vmm_result AS (
  outcome vmstate.outcome,
  reason text,
  state vmstate.vmm_state,
  state_generation bigint
);
COMMENT ON TYPE vmstate.vmm_result IS 'Answers a VMM verb: the outcome, and the VMM after the call.

The columns of the VMM are null if the outcome is not_found.';

CREATE TYPE vmstate.fail_result AS (
  outcome vmstate.outcome,
  reason text,
  state vmstate.vmm_state,
  state_generation bigint,
  update_needed boolean
);
COMMENT ON TYPE vmstate.fail_result IS 'Answers fail_vmm.

Has the columns of vmstate.vmm_result, and whether the update saga has to run because an instance still names the VMM.';

CREATE TYPE vmstate.report_result AS (
  vmm_outcome vmstate.outcome,
  migration_in_outcome vmstate.outcome,
  migration_out_outcome vmstate.outcome,
  update_needed boolean,
  state vmstate.vmm_state,
  state_generation bigint
);
COMMENT ON TYPE vmstate.report_result IS 'Answers report_vmm: the outcome of each part, and the VMM as it stands.

The outcome of a part that the report does not have is null. update_needed is true if this very report made a linked row terminal, so that the update saga has to run.';

CREATE TYPE vmstate.settlement_result AS (
  vmm_outcome vmstate.outcome,
  vmm_state vmstate.vmm_state,
  vmm_state_generation bigint,
  update_outcome vmstate.outcome,
  update_reason text,
  delete_outcome vmstate.outcome,
  delete_reason text,
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
  updater_id uuid,
  network_vmm vmstate.vmm_address,
  unlinked_vmms vmstate.vmm_address[],
  terminate_vmms vmstate.vmm_address[]
);
COMMENT ON TYPE vmstate.settlement_result IS 'Answers settle: the outcomes of its three parts, the VMM, and the instance.

vmm_state and vmm_state_generation are those of the VMM after the report. The columns from instance_id on are those of vmstate.update_result. The columns of a part that was not done are null.';

CREATE TYPE vmstate.maintenance_result AS (
  outcome vmstate.outcome,
  reason text,
  created integer,
  dropped integer,
  deleted integer
);
COMMENT ON TYPE vmstate.maintenance_result IS 'Answers maintain_history.

How many partitions were made (created) and dropped, and how many rows of history_default were deleted.';

CREATE TYPE vmstate.past_instance_result AS (
  outcome vmstate.outcome,
  reason text,
  "time" timestamptz,
  api_state vmstate.api_instance_state,
  state vmstate.instance_state,
  state_generation bigint,
  intended_state vmstate.intended_state,
  active_propolis_id uuid,
  active_state vmstate.vmm_state,
  active_sled_id uuid,
  destination_propolis_id uuid,
  destination_state vmstate.vmm_state,
  destination_sled_id uuid,
  migration_id uuid
);
COMMENT ON TYPE vmstate.past_instance_result IS 'Answers instance_at: an instance and its VMMs as they were at a time.

time is that of the newest change before. state_generation is null if only the change that followed is recorded.';

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
COMMENT ON TYPE vmstate.vmm_report IS 'Holds one report of a sled agent, as vmstate.report_vmms takes it.

Its attributes are the arguments of vmstate.report_vmm without p_.';

CREATE TYPE vmstate.batch_report AS (
  ordinal integer,
  instance_id uuid,
  propolis_id uuid,
  state vmstate.reported_vmm_state,
  generation bigint,
  "time" timestamptz,
  report vmstate.vmm_report
);
COMMENT ON TYPE vmstate.batch_report IS 'Holds one report of a batch, with its place in the batch, from 1.

The attribute of type vmm_report is null if the report says nothing of a migration.';

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
COMMENT ON TYPE vmstate.batch_result IS 'Says what became of one report of a batch: a row of vmstate.report_vmms.

ordinal is the place of the report in the batch, from 1.';

CREATE TYPE vmstate.sled_result AS (
  outcome vmstate.outcome,
  reason text,
  sled_id uuid,
  vmm_count integer,
  time_reported timestamptz,
  time_agreed timestamptz
);
COMMENT ON TYPE vmstate.sled_result IS 'Answers report_sled: whether the sled has the VMMs that the database has.

vmm_count is how many the database has. time_reported is the time of this report, and time_agreed that of the last report that agreed; null: none did.';
