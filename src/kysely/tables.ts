// Generated from a migrated database by `npm run generate`; the tests compare. Do not edit.

import type {
  ApiInstanceState,
  ApiVmmState,
  AutoRestartPolicy,
  ChangeKind,
  FailureReason,
  InstanceState,
  IntendedState,
  MigrationState,
  MigrationVerdict,
  VmmState,
} from "../client/generated.js";
import type { ClientTypes, PgTypes, ReadOnly } from "./client-types.js";

/**
 * Keeps one row for each change of the state of an instance, a VMM or a migration.
 *
 * Written by triggers in the transaction of the change, whichever role makes it; never updated. Read it through vmstate.instance_history, vmm_history and migration_history. Partitioned by time: maintain_history makes the partitions and drops old ones.
 */
export interface HistoryTable<T extends ClientTypes = PgTypes> {
  time: T["timestamptz"];
  id: T["bigint"];
  transaction_id: string;
  instance_id: string;
  kind: ChangeKind;
  row_id: string;
  generation: T["bigint"];
  old_state: string | null;
  state: string;
  deleted: boolean;
  old_active_propolis_id: string | null;
  active_propolis_id: string | null;
  old_destination_propolis_id: string | null;
  destination_propolis_id: string | null;
  old_migration_id: string | null;
  migration_id: string | null;
  old_intended_state: IntendedState | null;
  intended_state: IntendedState | null;
  sled_id: string | null;
  failure_reason: FailureReason | null;
  time_observed: T["timestamptz"] | null;
  source_propolis_id: string | null;
  old_destination_state: MigrationState | null;
  destination_state: MigrationState | null;
  role: string;
  verb: string | null;
  saga_id: string | null;
  cause: string | null;
}

/**
 * Keeps the instances that users see.
 *
 * An instance names its active VMM and, during a live migration, the destination VMM and the migration.
 */
export interface InstanceTable<T extends ClientTypes = PgTypes> {
  id: string;
  project_id: string;
  name: string;
  state: InstanceState;
  state_generation: T["bigint"];
  time_state_updated: T["timestamptz"];
  active_propolis_id: string | null;
  destination_propolis_id: string | null;
  migration_id: string | null;
  intended_state: IntendedState;
  auto_restart_policy: AutoRestartPolicy | null;
  auto_restart_cooldown: T["interval"] | null;
  time_last_auto_restarted: T["timestamptz"] | null;
  updater_id: string | null;
  updater_generation: T["bigint"];
  updater_lease_until: T["timestamptz"] | null;
  committed_updater_generation: T["bigint"] | null;
  time_created: T["timestamptz"];
  time_modified: T["timestamptz"];
  time_deleted: T["timestamptz"] | null;
  committed_updater_id: string | null;
  committed_plan_token: string | null;
  released_updater_id: string | null;
  updater_parent_id: string | null;
  time_updater_released: T["timestamptz"] | null;
  auto_restart_attempts: number;
}

/**
 * Keeps the live migrations of instances, each between two VMMs of one instance.
 *
 * Each side is reported by its own sled and has its own generation.
 */
export interface MigrationTable<T extends ClientTypes = PgTypes> {
  instance_id: string;
  id: string;
  saga_id: string;
  source_propolis_id: string;
  source_state: MigrationState;
  source_generation: T["bigint"];
  time_source_updated: T["timestamptz"];
  destination_propolis_id: string;
  destination_state: MigrationState;
  destination_generation: T["bigint"];
  time_destination_updated: T["timestamptz"];
  time_created: T["timestamptz"];
  time_deleted: T["timestamptz"] | null;
  time_reported: T["timestamptz"] | null;
}

/**
 * Keeps the changes of this schema that were applied, whichever tool applied them.
 *
 * The last statement of each change writes its row.
 */
export interface SchemaChangeTable<T extends ClientTypes = PgTypes> {
  number: number;
  name: string;
  is_breaking: boolean;
  time_applied: T["timestamptz"];
}

/** Keeps the sled whose VMMs a role may report; vmstate.bind_sled_agent writes it. */
export interface SledAgentBindingTable {
  role: string;
  sled_id: string;
}

/**
 * Keeps the last report of each sled about itself; vmstate.report_sled writes it.
 *
 * A sled without a row was never heard by report_sled; its VMMs may have been.
 */
export interface SledReportTable<T extends ClientTypes = PgTypes> {
  sled_id: string;
  time_reported: T["timestamptz"];
  time_agreed: T["timestamptz"] | null;
  vmm_count: number;
}

/** Keeps the incarnations of instances: each a Propolis process on a sled. */
export interface VmmTable<T extends ClientTypes = PgTypes> {
  instance_id: string;
  id: string;
  sled_id: string;
  propolis_ip: string;
  propolis_port: number;
  saga_id: string;
  state: VmmState;
  state_generation: T["bigint"];
  time_state_updated: T["timestamptz"];
  time_started: T["timestamptz"] | null;
  failure_reason: FailureReason | null;
  time_unlinked: T["timestamptz"] | null;
  time_created: T["timestamptz"];
  time_deleted: T["timestamptz"] | null;
  time_reported: T["timestamptz"] | null;
  migration_id: string | null;
}

/**
 * Lists dead VMMs that no instance names: delete each with delete_vmm.
 *
 * A work list, oldest first. A VMM here is dead; a VMM that no instance names and that is still alive is in vmstate.orphaned_vmm. since is when the VMM was both dead and unlinked, by the clock of the database.
 */
export interface AbandonedVmmView<T extends ClientTypes = PgTypes> {
  instance_id: string;
  propolis_id: string;
  sled_id: string;
  state: VmmState;
  time_unlinked: T["timestamptz"] | null;
  since: T["timestamptz"];
}

/**
 * Lists instances as the API shows them, without deleted ones.
 *
 * time_state_updated is that of the active VMM, if there is one; a time in the future, from a sled whose clock is ahead, is shown as now.
 */
export interface ApiInstanceView<T extends ClientTypes = PgTypes> {
  id: string;
  state: ApiInstanceState;
  project_id: string;
  name: string;
  intended_state: IntendedState;
  auto_restart_policy: AutoRestartPolicy | null;
  auto_restart_cooldown: T["interval"] | null;
  time_state_updated: T["timestamptz"];
  time_created: T["timestamptz"];
  time_modified: T["timestamptz"];
}

/**
 * Lists migrations as the API shows them, past ones too, without deleted ones.
 *
 * source_state and destination_state are the states of the two sides. source_api_state and destination_api_state are the states of the two VMMs as the API shows them: saga_unwound appears as destroyed. A VMM of a migration may be deleted already. A time in the future, from a sled whose clock is ahead, is shown as now; time_reported is by the clock of the database, and null before the first report of either side.
 */
export interface ApiMigrationView<T extends ClientTypes = PgTypes> {
  id: string;
  instance_id: string;
  source_propolis_id: string;
  source_sled_id: string;
  source_api_state: ApiVmmState;
  source_state: MigrationState;
  destination_propolis_id: string;
  destination_sled_id: string;
  destination_api_state: ApiVmmState;
  destination_state: MigrationState;
  time_source_updated: T["timestamptz"];
  time_destination_updated: T["timestamptz"];
  time_created: T["timestamptz"];
  time_reported: T["timestamptz"] | null;
}

/**
 * Lists VMMs as the API shows them, without deleted ones.
 *
 * A VMM in state saga_unwound is shown as destroyed. A time in the future, from a sled whose clock is ahead, is shown as now.
 */
export interface ApiVmmView<T extends ClientTypes = PgTypes> {
  id: string;
  state: ApiVmmState;
  instance_id: string;
  sled_id: string;
  propolis_ip: string;
  propolis_port: number;
  failure_reason: FailureReason | null;
  time_state_updated: T["timestamptz"];
  time_created: T["timestamptz"];
}

/**
 * Shows since when the history is whole, and the greatest id that was removed.
 *
 * since is when the history began, or the time of the newest change that maintain_history removed. In a copy of the schema without its sequences: the time of the oldest change. last_dropped_id is 0 if nothing was removed.
 */
export interface HistoryExtentView<T extends ClientTypes = PgTypes> {
  since: T["timestamptz"] | null;
  last_dropped_id: T["bigint"];
}

/**
 * Shows instances with their VMMs and migration, without deleted instances.
 *
 * api_state is what the API shows of the instance, and state is what the row has; state_generation is that of the row. The columns active_… say where the active VMM is, and the columns destination_… where the destination VMM is; active_api_state and destination_api_state are states as the API shows them, so saga_unwound appears as destroyed. The columns migration_… are the linked migration, with the state of each side. What is not linked is null. A migration stays linked until the update saga unlinks it, also once it has ended or was unwound: api_state says whether the instance shows migrating. time_state_updated is that of the active VMM, if there is one; a time in the future, from a sled whose clock is ahead, is shown as now.
 */
export interface InstanceDetailView<T extends ClientTypes = PgTypes> {
  id: string;
  api_state: ApiInstanceState;
  state: InstanceState;
  state_generation: T["bigint"];
  intended_state: IntendedState;
  project_id: string;
  name: string;
  auto_restart_policy: AutoRestartPolicy | null;
  auto_restart_cooldown: T["interval"] | null;
  active_propolis_id: string | null;
  active_api_state: ApiVmmState | null;
  active_sled_id: string | null;
  active_propolis_ip: string | null;
  active_propolis_port: number | null;
  destination_propolis_id: string | null;
  destination_api_state: ApiVmmState | null;
  destination_sled_id: string | null;
  destination_propolis_ip: string | null;
  destination_propolis_port: number | null;
  migration_id: string | null;
  migration_source_propolis_id: string | null;
  migration_source_state: MigrationState | null;
  migration_destination_state: MigrationState | null;
  time_state_updated: T["timestamptz"];
  time_created: T["timestamptz"];
  time_modified: T["timestamptz"];
}

/**
 * Lists the changes of instances, oldest first.
 *
 * One row for each change of the state, the generation, a link, the intent, and for a deletion; and one for each updater lock that break_update ended. old_state is null where the instance was inserted. The columns role, verb, saga_id and cause say who made the change. vmstate.history_extent says since when changes are recorded.
 */
export interface InstanceHistoryView<T extends ClientTypes = PgTypes> {
  time: T["timestamptz"];
  id: T["bigint"];
  transaction_id: string;
  instance_id: string;
  generation: T["bigint"];
  old_state: InstanceState | null;
  state: InstanceState;
  deleted: boolean;
  old_active_propolis_id: string | null;
  active_propolis_id: string | null;
  old_destination_propolis_id: string | null;
  destination_propolis_id: string | null;
  old_migration_id: string | null;
  migration_id: string | null;
  old_intended_state: IntendedState | null;
  intended_state: IntendedState;
  role: string;
  verb: string | null;
  saga_id: string | null;
  cause: string | null;
}

/**
 * Lists breaches of the invariants, one row each: empty in a sound database.
 *
 * A row means that triggers or foreign keys were switched off, or, of history_id_is_ahead, that rows of the history came by logical replication, which copies no sequence. propolis_id is null for an instance without a VMM. Reads whole tables.
 */
export interface InvariantViolationView {
  instance_id: string;
  propolis_id: string | null;
  invariant: string;
  detail: string;
}

/**
 * Lists the changes of migrations, oldest first.
 *
 * One row for each change of the state of a side, and for a deletion. row_id is the id of the migration. old_state and state are those of the source side; generation is the sum of the generations of both sides, at most 2^53-1.
 */
export interface MigrationHistoryView<T extends ClientTypes = PgTypes> {
  time: T["timestamptz"];
  id: T["bigint"];
  transaction_id: string;
  instance_id: string;
  row_id: string;
  generation: T["bigint"];
  old_state: MigrationState | null;
  state: MigrationState;
  old_destination_state: MigrationState | null;
  destination_state: MigrationState;
  deleted: boolean;
  source_propolis_id: string;
  destination_propolis_id: string;
  role: string;
  verb: string | null;
  saga_id: string;
  cause: string | null;
}

/**
 * Lists live VMMs that no instance names: terminate each on its sled.
 *
 * A work list, oldest first. A VMM here is alive; a VMM that no instance names and that is dead is in vmstate.abandoned_vmm. Terminate the VMM on its sled; then the sled reports destroyed, or fail_vmm declares the VMM dead. since is when the last link to the VMM was removed. expected_to_end is true if the VMM ends by itself: it is the source of a migration that completed, or whose destination has the guest and is alive.
 */
export interface OrphanedVmmView<T extends ClientTypes = PgTypes> {
  instance_id: string;
  propolis_id: string;
  sled_id: string;
  propolis_ip: string;
  propolis_port: number;
  state: VmmState;
  time_unlinked: T["timestamptz"] | null;
  expected_to_end: boolean;
  since: T["timestamptz"];
}

/**
 * Lists instances with something to update that no unexpired updater lock holds.
 *
 * The work list of the update saga, oldest first: call begin_update or run_update on each. since is when the need arose, or when the last updater lock ended without a commit, by the clock of the database, so that an instance whose updates fail does not keep others waiting.
 */
export interface PendingUpdateView<T extends ClientTypes = PgTypes> {
  instance_id: string;
  verdict: MigrationVerdict;
  state_generation: T["bigint"];
  updater_generation: T["bigint"];
  since: T["timestamptz"];
}

/**
 * Lists instances that should run, do not run, and may be restarted now.
 *
 * A work list, oldest first: call begin_start with p_start_reason auto_restart, which checks once more. since is when the restart became possible, by the clock of the database. auto_restart_attempts is the number of automatic restarts in a row. time_next_auto_restart is from when on cooldown and back-off allow the next one.
 */
export interface RestartableInstanceView<T extends ClientTypes = PgTypes> {
  instance_id: string;
  api_state: ApiInstanceState;
  state_generation: T["bigint"];
  time_last_auto_restarted: T["timestamptz"] | null;
  since: T["timestamptz"];
  auto_restart_attempts: number;
  time_next_auto_restart: T["timestamptz"];
}

/**
 * Shows the newest change of the schema that was applied.
 *
 * A service that was built for a schema older than breaking_number does not work with this database; breaking_number 0 means that no change was breaking. The function assertCompatible of the client checks this.
 */
export interface SchemaVersionView<T extends ClientTypes = PgTypes> {
  number: number;
  name: string;
  time_applied: T["timestamptz"];
  breaking_number: number;
}

/**
 * Lists sleds that should have VMMs and have not been heard for 1 minute.
 *
 * Longest silent first; vmstate.silent_after() is the threshold. A sled is heard when report_sled answers it, also with differs, and when a report of one of its VMMs is accepted. vmm_count is the number of VMMs that the database has on the sled, alive and known to the sled; a sled without one is not listed. time_last_heard is by the clock of the database, and so is since, from when on the sled counts as silent. If the host is dead, call fail_sled. Costs in proportion to the sleds that have VMMs, and to the VMMs of the silent ones.
 */
export interface SilentSledView<T extends ClientTypes = PgTypes> {
  sled_id: string;
  vmm_count: number;
  time_last_heard: T["timestamptz"];
  since: T["timestamptz"];
}

/**
 * Lists instances that have been in a transitional state for more than 10 minutes.
 *
 * The transitional states are creating, starting, stopping, rebooting and migrating; vmstate.stuck_after() is the threshold. age is how long there has been no news of the instance, by the clock of the database; waits_for names what has to act.
 */
export interface StuckInstanceView<T extends ClientTypes = PgTypes> {
  instance_id: string;
  api_state: ApiInstanceState;
  age: T["interval"];
  waits_for: string;
  since: T["timestamptz"];
}

/**
 * Lists the changes of VMMs, oldest first.
 *
 * One row for each change of the state or the failure_reason, and for a deletion; none for a health report. row_id is the id of the VMM. Shows saga_unwound as it is. time_observed is when the sled saw the state, by the clock of the sled.
 */
export interface VmmHistoryView<T extends ClientTypes = PgTypes> {
  time: T["timestamptz"];
  id: T["bigint"];
  transaction_id: string;
  instance_id: string;
  row_id: string;
  generation: T["bigint"];
  old_state: VmmState | null;
  state: VmmState;
  deleted: boolean;
  sled_id: string;
  failure_reason: FailureReason | null;
  time_observed: T["timestamptz"];
  role: string;
  verb: string | null;
  saga_id: string;
  cause: string | null;
}

/**
 * Lists every VMM that a sled should know of: ask the sled agents about them.
 *
 * Linked VMMs and unlinked ones, those of deleted instances too: the whole fleet. time_reported is when the last report of the VMM was accepted, by the clock of the database, and null before the first one. time_heard is that time, or when report_sled last said that the sled has just the VMMs of the database, whichever is later: an old time_heard shows a silent sled, or a sled that counts its generations anew and whose reports are refused as stale.
 */
export interface WatchedVmmView<T extends ClientTypes = PgTypes> {
  instance_id: string;
  propolis_id: string;
  sled_id: string;
  propolis_ip: string;
  propolis_port: number;
  state: VmmState;
  state_generation: T["bigint"];
  time_state_updated: T["timestamptz"];
  linked: boolean;
  time_reported: T["timestamptz"] | null;
  time_heard: T["timestamptz"] | null;
}

/** The public tables and views of schema vmstate, for `Kysely<DB>`: to be read, since only the functions write. */
export interface DB<T extends ClientTypes = PgTypes> {
  "vmstate.history": ReadOnly<HistoryTable<T>>;
  "vmstate.instance": ReadOnly<InstanceTable<T>>;
  "vmstate.migration": ReadOnly<MigrationTable<T>>;
  "vmstate.schema_change": ReadOnly<SchemaChangeTable<T>>;
  "vmstate.sled_agent_binding": ReadOnly<SledAgentBindingTable>;
  "vmstate.sled_report": ReadOnly<SledReportTable<T>>;
  "vmstate.vmm": ReadOnly<VmmTable<T>>;
  "vmstate.abandoned_vmm": ReadOnly<AbandonedVmmView<T>>;
  "vmstate.api_instance": ReadOnly<ApiInstanceView<T>>;
  "vmstate.api_migration": ReadOnly<ApiMigrationView<T>>;
  "vmstate.api_vmm": ReadOnly<ApiVmmView<T>>;
  "vmstate.history_extent": ReadOnly<HistoryExtentView<T>>;
  "vmstate.instance_detail": ReadOnly<InstanceDetailView<T>>;
  "vmstate.instance_history": ReadOnly<InstanceHistoryView<T>>;
  "vmstate.invariant_violation": ReadOnly<InvariantViolationView>;
  "vmstate.migration_history": ReadOnly<MigrationHistoryView<T>>;
  "vmstate.orphaned_vmm": ReadOnly<OrphanedVmmView<T>>;
  "vmstate.pending_update": ReadOnly<PendingUpdateView<T>>;
  "vmstate.restartable_instance": ReadOnly<RestartableInstanceView<T>>;
  "vmstate.schema_version": ReadOnly<SchemaVersionView<T>>;
  "vmstate.silent_sled": ReadOnly<SilentSledView<T>>;
  "vmstate.stuck_instance": ReadOnly<StuckInstanceView<T>>;
  "vmstate.vmm_history": ReadOnly<VmmHistoryView<T>>;
  "vmstate.watched_vmm": ReadOnly<WatchedVmmView<T>>;
}
