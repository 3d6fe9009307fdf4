// Generated from a migrated database by `npm run generate`; the tests compare. Do not edit.

/** PostgreSQL's text for an interval (`'30 seconds'`), or a number of seconds. */
export type Interval = string | number;

/** The id of an instance, as an argument. `id` is what version 0.1.0 called it. */
export type InstanceIdArgument =
  | { instanceId: string; id?: string | undefined }
  | {
      instanceId?: undefined;
      /** @deprecated Use `instanceId`. */
      id: string;
    };

/** The number of the newest migration of this package. */
export const SCHEMA_NUMBER = 21;

/**
 * Names what vmstate.grant_access makes of a role.
 *
 * Values:
 *
 * - control_plane: every verb and every public view.
 * - sled_agent: the reports, of the VMMs of its own sled, and the view schema_version.
 * - reader: every public view, explain_update, instances_in_state and instance_at.
 * - operator: what a reader has, and maintain_history.
 */
export type AccessKind = "control_plane" | "sled_agent" | "reader" | "operator";

/** Names the state of an instance as the API shows it. */
export type ApiInstanceState =
  | "creating"
  | "starting"
  | "running"
  | "stopping"
  | "stopped"
  | "rebooting"
  | "migrating"
  | "failed"
  | "destroyed";

/** Names the state of a VMM as the API shows it: saga_unwound appears as destroyed. */
export type ApiVmmState =
  | "creating"
  | "starting"
  | "running"
  | "stopping"
  | "stopped"
  | "rebooting"
  | "migrating"
  | "failed"
  | "destroyed";

/**
 * Says whether the control plane may restart an instance automatically.
 *
 * NULL in a row means best_effort.
 */
export type AutoRestartPolicy = "never" | "best_effort";

/** Names the table of a row whose change vmstate.history records. */
export type ChangeKind = "instance" | "vmm" | "migration";

/** Says why a VMM is failed. */
export type FailureReason = "sled_agent_report" | "no_such_vmm" | "sled_expunged" | "sled_off" | "operator";

/**
 * Names the state of an instance row.
 *
 * While the state is vmm, what the user sees derives from the VMMs of the instance: vmstate.effective_instance_state.
 */
export type InstanceState = "creating" | "no_vmm" | "vmm" | "failed" | "destroyed";

/**
 * Says what an instance should be.
 *
 * The user decides, but guest_shutdown follows when the guest ended its VM itself.
 */
export type IntendedState = "running" | "stopped" | "guest_shutdown" | "destroyed";

/** Names the state of one side of a migration; failed and completed are terminal. */
export type MigrationState = "pending" | "in_progress" | "failed" | "completed";

/**
 * Says what a linked migration amounts to, by its two sides and its VMMs.
 *
 * The function vmstate.migration_verdict decides.
 */
export type MigrationVerdict = "none" | "void" | "in_progress" | "handed_over" | "completed" | "failed";

/**
 * Says what became of a call.
 *
 * Values:
 *
 * - applied: the call wrote what was asked.
 * - unchanged: the call is a replay, or there is nothing to do.
 * - stale: the generation is not newer than the recorded one.
 * - terminal: the VMM is dead, or the side of the migration has ended.
 * - conflict: the call is refused, and the column reason says why.
 * - wrong_side: the VMM is not that side of the migration.
 * - gone: the row was deleted.
 * - not_found: the row never existed, or belongs to another instance.
 */
export type Outcome =
  "applied" | "unchanged" | "stale" | "terminal" | "conflict" | "wrong_side" | "gone" | "not_found";

/** Names what a sled agent can say of a VMM: neither creating nor saga_unwound. */
export type ReportedVmmState =
  "starting" | "running" | "stopping" | "stopped" | "rebooting" | "migrating" | "failed" | "destroyed";

/**
 * Names the state of a VMM; failed, destroyed and saga_unwound are absorbing.
 *
 * saga_unwound is set only by an unwinding start or migrate saga and never leaves the database.
 */
export type VmmState =
  | "creating"
  | "starting"
  | "running"
  | "stopping"
  | "stopped"
  | "rebooting"
  | "migrating"
  | "failed"
  | "destroyed"
  | "saga_unwound";

/**
 * Says what became of one report of a batch: a row of vmstate.report_vmms.
 *
 * ordinal is the place of the report in the batch, from 1.
 */
export interface BatchResult {
  ordinal: number | null;
  instanceId: string | null;
  propolisId: string | null;
  vmmOutcome: Outcome | null;
  migrationInOutcome: Outcome | null;
  migrationOutOutcome: Outcome | null;
  updateNeeded: boolean | null;
  state: VmmState | null;
  stateGeneration: number | null;
}

/**
 * Answers request_stop and request_reboot.
 *
 * Has the columns of vmstate.instance_result, and the live VMMs whose sled agents must be told: their ids (command_propolis_ids) and, in the same order, where they are (command_vmms).
 */
export interface CommandResult {
  outcome: Outcome | null;
  reason: string | null;
  instanceId: string | null;
  apiState: ApiInstanceState | null;
  state: InstanceState | null;
  stateGeneration: number | null;
  activePropolisId: string | null;
  destinationPropolisId: string | null;
  migrationId: string | null;
  commandPropolisIds: string[] | null;
  commandVmms: VmmAddress[] | null;
}

/**
 * Answers fail_vmm.
 *
 * Has the columns of vmstate.vmm_result, and whether the update saga has to run because an instance still names the VMM.
 */
export interface FailResult {
  outcome: Outcome | null;
  reason: string | null;
  state: VmmState | null;
  stateGeneration: number | null;
  updateNeeded: boolean | null;
}

/**
 * Answers an instance verb: the outcome, and the instance after the call.
 *
 * The columns of the instance are null if the outcome is not_found.
 */
export interface InstanceResult {
  outcome: Outcome | null;
  reason: string | null;
  instanceId: string | null;
  apiState: ApiInstanceState | null;
  state: InstanceState | null;
  stateGeneration: number | null;
  activePropolisId: string | null;
  destinationPropolisId: string | null;
  migrationId: string | null;
}

/**
 * Answers maintain_history.
 *
 * How many partitions were made (created) and dropped, and how many rows of history_default were deleted.
 */
export interface MaintenanceResult {
  outcome: Outcome | null;
  reason: string | null;
  created: number | null;
  dropped: number | null;
  deleted: number | null;
}

/**
 * Answers instance_at: an instance and its VMMs as they were at a time.
 *
 * time is that of the newest change before. state_generation is null if only the change that followed is recorded.
 */
export interface PastInstanceResult {
  outcome: Outcome | null;
  reason: string | null;
  time: string | null;
  apiState: ApiInstanceState | null;
  state: InstanceState | null;
  stateGeneration: number | null;
  intendedState: IntendedState | null;
  activePropolisId: string | null;
  activeState: VmmState | null;
  activeSledId: string | null;
  destinationPropolisId: string | null;
  destinationState: VmmState | null;
  destinationSledId: string | null;
  migrationId: string | null;
}

/**
 * Answers report_vmm: the outcome of each part, and the VMM as it stands.
 *
 * The outcome of a part that the report does not have is null. update_needed is true if this very report made a linked row terminal, so that the update saga has to run.
 */
export interface ReportResult {
  vmmOutcome: Outcome | null;
  migrationInOutcome: Outcome | null;
  migrationOutOutcome: Outcome | null;
  updateNeeded: boolean | null;
  state: VmmState | null;
  stateGeneration: number | null;
}

/**
 * Answers settle: the outcomes of its three parts, the VMM, and the instance.
 *
 * vmm_state and vmm_state_generation are those of the VMM after the report. The columns from instance_id on are those of vmstate.update_result. The columns of a part that was not done are null.
 */
export interface SettlementResult {
  vmmOutcome: Outcome | null;
  vmmState: VmmState | null;
  vmmStateGeneration: number | null;
  updateOutcome: Outcome | null;
  updateReason: string | null;
  deleteOutcome: Outcome | null;
  deleteReason: string | null;
  instanceId: string | null;
  apiState: ApiInstanceState | null;
  state: InstanceState | null;
  stateGeneration: number | null;
  activePropolisId: string | null;
  destinationPropolisId: string | null;
  migrationId: string | null;
  updaterGeneration: number | null;
  updaterLeaseUntil: Date | null;
  newState: InstanceState | null;
  newActivePropolisId: string | null;
  newDestinationPropolisId: string | null;
  newMigrationId: string | null;
  newIntendedState: IntendedState | null;
  network: string | null;
  networkPropolisId: string | null;
  unlinkedPropolisIds: string[] | null;
  terminatePropolisIds: string[] | null;
  planToken: string | null;
  updaterId: string | null;
  networkVmm: VmmAddress | null;
  unlinkedVmms: VmmAddress[] | null;
  terminateVmms: VmmAddress[] | null;
}

/**
 * Answers report_sled: whether the sled has the VMMs that the database has.
 *
 * vmm_count is how many the database has. time_reported is the time of this report, and time_agreed that of the last report that agreed; null: none did.
 */
export interface SledResult {
  outcome: Outcome | null;
  reason: string | null;
  sledId: string | null;
  vmmCount: number | null;
  timeReported: Date | null;
  timeAgreed: Date | null;
}

/**
 * Answers begin_start.
 *
 * Has the columns of vmstate.instance_result, and the unwound VMM that the new VMM replaced, if any.
 */
export interface StartResult {
  outcome: Outcome | null;
  reason: string | null;
  instanceId: string | null;
  apiState: ApiInstanceState | null;
  state: InstanceState | null;
  stateGeneration: number | null;
  activePropolisId: string | null;
  destinationPropolisId: string | null;
  migrationId: string | null;
  replacedPropolisId: string | null;
}

/**
 * Answers a verb of the update saga: the instance, the updater lock and the plan.
 *
 * Has the columns of vmstate.instance_result, then the fencing token and the lease of the updater lock, and the saga that holds the lock (updater_id; null: nobody). The plan: the row as it will be (new_…), what to do with the network (keep, move or delete; network_propolis_id is where the network belongs afterwards), the VMMs that lose their link, those of them to terminate on their sleds, and plan_token, which names this plan. network_vmm, unlinked_vmms and terminate_vmms say where the VMMs are that network_propolis_id, unlinked_propolis_ids and terminate_propolis_ids name, in the same order.
 */
export interface UpdateResult {
  outcome: Outcome | null;
  reason: string | null;
  instanceId: string | null;
  apiState: ApiInstanceState | null;
  state: InstanceState | null;
  stateGeneration: number | null;
  activePropolisId: string | null;
  destinationPropolisId: string | null;
  migrationId: string | null;
  updaterGeneration: number | null;
  updaterLeaseUntil: Date | null;
  newState: InstanceState | null;
  newActivePropolisId: string | null;
  newDestinationPropolisId: string | null;
  newMigrationId: string | null;
  newIntendedState: IntendedState | null;
  network: string | null;
  networkPropolisId: string | null;
  unlinkedPropolisIds: string[] | null;
  terminatePropolisIds: string[] | null;
  planToken: string | null;
  updaterId: string | null;
  networkVmm: VmmAddress | null;
  unlinkedVmms: VmmAddress[] | null;
  terminateVmms: VmmAddress[] | null;
}

/** Says where a VMM is: its sled, and the address on which it listens. */
export interface VmmAddress {
  propolisId: string;
  sledId: string;
  propolisIp: string;
  propolisPort: number;
}

/**
 * Answers a VMM verb: the outcome, and the VMM after the call.
 *
 * The columns of the VMM are null if the outcome is not_found.
 */
export interface VmmResult {
  outcome: Outcome | null;
  reason: string | null;
  state: VmmState | null;
  stateGeneration: number | null;
}

/** One row of vmstate.fail_sled. */
export interface FailSledRow {
  outcome: Outcome | null;
  reason: string | null;
  instanceId: string | null;
  propolisId: string | null;
  state: VmmState | null;
  stateGeneration: number | null;
  updateNeeded: boolean | null;
}

/** One row of vmstate.fail_sled_vmms. */
export interface FailSledVmmsRow {
  outcome: Outcome | null;
  reason: string | null;
  instanceId: string | null;
  propolisId: string | null;
  state: VmmState | null;
  stateGeneration: number | null;
  updateNeeded: boolean | null;
}

/** One row of vmstate.purge. */
export interface PurgeRow {
  migrations: number | null;
  vmms: number | null;
  instances: number | null;
  leftOver: boolean | null;
}

/** One row of vmstate.report_vmms. */
export interface ReportVmmsRow {
  ordinal: number | null;
  instanceId: string | null;
  propolisId: string | null;
  vmmOutcome: Outcome | null;
  migrationInOutcome: Outcome | null;
  migrationOutOutcome: Outcome | null;
  updateNeeded: boolean | null;
  state: VmmState | null;
  stateGeneration: number | null;
}

/**
 * Lists dead VMMs that no instance names: delete each with delete_vmm.
 *
 * A work list, oldest first. A VMM here is dead; a VMM that no instance names and that is still alive is in vmstate.orphaned_vmm. since is when the VMM was both dead and unlinked, by the clock of the database.
 */
export interface AbandonedVmmRow {
  instanceId: string;
  propolisId: string;
  sledId: string;
  state: VmmState;
  timeUnlinked: Date | null;
  since: Date;
}

/**
 * Lists instances as the API shows them, without deleted ones.
 *
 * time_state_updated is that of the active VMM, if there is one; a time in the future, from a sled whose clock is ahead, is shown as now.
 */
export interface ApiInstanceRow {
  id: string;
  instanceId: string;
  state: ApiInstanceState;
  projectId: string;
  name: string;
  intendedState: IntendedState;
  autoRestartPolicy: AutoRestartPolicy | null;
  autoRestartCooldown: string | null;
  timeStateUpdated: Date;
  timeCreated: Date;
  timeModified: Date;
}

/**
 * Lists migrations as the API shows them, past ones too, without deleted ones.
 *
 * source_state and destination_state are the states of the two sides. source_api_state and destination_api_state are the states of the two VMMs as the API shows them: saga_unwound appears as destroyed. A VMM of a migration may be deleted already. A time in the future, from a sled whose clock is ahead, is shown as now; time_reported is by the clock of the database, and null before the first report of either side.
 */
export interface ApiMigrationRow {
  id: string;
  migrationId: string;
  instanceId: string;
  sourcePropolisId: string;
  sourceSledId: string;
  sourceApiState: ApiVmmState;
  sourceState: MigrationState;
  destinationPropolisId: string;
  destinationSledId: string;
  destinationApiState: ApiVmmState;
  destinationState: MigrationState;
  timeSourceUpdated: Date;
  timeDestinationUpdated: Date;
  timeCreated: Date;
  timeReported: Date | null;
}

/**
 * Lists VMMs as the API shows them, without deleted ones.
 *
 * A VMM in state saga_unwound is shown as destroyed. A time in the future, from a sled whose clock is ahead, is shown as now.
 */
export interface ApiVmmRow {
  id: string;
  propolisId: string;
  state: ApiVmmState;
  instanceId: string;
  sledId: string;
  propolisIp: string;
  propolisPort: number;
  failureReason: FailureReason | null;
  timeStateUpdated: Date;
  timeCreated: Date;
}

/**
 * Shows since when the history is whole, and the greatest id that was removed.
 *
 * since is when the history began, or the time of the newest change that maintain_history removed. In a copy of the schema without its sequences: the time of the oldest change. last_dropped_id is 0 if nothing was removed.
 */
export interface HistoryExtentRow {
  since: Date | null;
  lastDroppedId: number;
}

/**
 * Shows instances with their VMMs and migration, without deleted instances.
 *
 * api_state is what the API shows of the instance, and state is what the row has; state_generation is that of the row. The columns active_… say where the active VMM is, and the columns destination_… where the destination VMM is; active_api_state and destination_api_state are states as the API shows them, so saga_unwound appears as destroyed. The columns migration_… are the linked migration, with the state of each side. What is not linked is null. A migration stays linked until the update saga unlinks it, also once it has ended or was unwound: api_state says whether the instance shows migrating. time_state_updated is that of the active VMM, if there is one; a time in the future, from a sled whose clock is ahead, is shown as now.
 */
export interface InstanceDetailRow {
  id: string;
  instanceId: string;
  apiState: ApiInstanceState;
  state: InstanceState;
  stateGeneration: number;
  intendedState: IntendedState;
  projectId: string;
  name: string;
  autoRestartPolicy: AutoRestartPolicy | null;
  autoRestartCooldown: string | null;
  activePropolisId: string | null;
  activeApiState: ApiVmmState | null;
  activeSledId: string | null;
  activePropolisIp: string | null;
  activePropolisPort: number | null;
  destinationPropolisId: string | null;
  destinationApiState: ApiVmmState | null;
  destinationSledId: string | null;
  destinationPropolisIp: string | null;
  destinationPropolisPort: number | null;
  migrationId: string | null;
  migrationSourcePropolisId: string | null;
  migrationSourceState: MigrationState | null;
  migrationDestinationState: MigrationState | null;
  timeStateUpdated: Date;
  timeCreated: Date;
  timeModified: Date;
}

/**
 * Lists the changes of instances, oldest first.
 *
 * One row for each change of the state, the generation, a link, the intent, and for a deletion; and one for each updater lock that break_update ended. old_state is null where the instance was inserted. The columns role, verb, saga_id and cause say who made the change. vmstate.history_extent says since when changes are recorded.
 */
export interface InstanceHistoryRow {
  time: string;
  id: number;
  transactionId: string;
  instanceId: string;
  generation: number;
  oldState: InstanceState | null;
  state: InstanceState;
  deleted: boolean;
  oldActivePropolisId: string | null;
  activePropolisId: string | null;
  oldDestinationPropolisId: string | null;
  destinationPropolisId: string | null;
  oldMigrationId: string | null;
  migrationId: string | null;
  oldIntendedState: IntendedState | null;
  intendedState: IntendedState;
  role: string;
  verb: string | null;
  sagaId: string | null;
  cause: string | null;
}

/**
 * Lists breaches of the invariants, one row each: empty in a sound database.
 *
 * A row means that triggers or foreign keys were switched off, or, of history_id_is_ahead, that rows of the history came by logical replication, which copies no sequence. propolis_id is null for an instance without a VMM. Reads whole tables.
 */
export interface InvariantViolationRow {
  instanceId: string;
  propolisId: string | null;
  invariant: string;
  detail: string;
}

/**
 * Lists the changes of migrations, oldest first.
 *
 * One row for each change of the state of a side, and for a deletion. row_id is the id of the migration. old_state and state are those of the source side; generation is the sum of the generations of both sides, at most 2^53-1.
 */
export interface MigrationHistoryRow {
  time: string;
  id: number;
  transactionId: string;
  instanceId: string;
  rowId: string;
  generation: number;
  oldState: MigrationState | null;
  state: MigrationState;
  oldDestinationState: MigrationState | null;
  destinationState: MigrationState;
  deleted: boolean;
  sourcePropolisId: string;
  destinationPropolisId: string;
  role: string;
  verb: string | null;
  sagaId: string;
  cause: string | null;
}

/**
 * Lists live VMMs that no instance names: terminate each on its sled.
 *
 * A work list, oldest first. A VMM here is alive; a VMM that no instance names and that is dead is in vmstate.abandoned_vmm. Terminate the VMM on its sled; then the sled reports destroyed, or fail_vmm declares the VMM dead. since is when the last link to the VMM was removed. expected_to_end is true if the VMM ends by itself: it is the source of a migration that completed, or whose destination has the guest and is alive.
 */
export interface OrphanedVmmRow {
  instanceId: string;
  propolisId: string;
  sledId: string;
  propolisIp: string;
  propolisPort: number;
  state: VmmState;
  timeUnlinked: Date | null;
  expectedToEnd: boolean;
  since: Date;
}

/**
 * Lists instances with something to update that no unexpired updater lock holds.
 *
 * The work list of the update saga, oldest first: call begin_update or run_update on each. since is when the need arose, or when the last updater lock ended without a commit, by the clock of the database, so that an instance whose updates fail does not keep others waiting.
 */
export interface PendingUpdateRow {
  instanceId: string;
  verdict: MigrationVerdict;
  stateGeneration: number;
  updaterGeneration: number;
  since: Date;
}

/**
 * Lists instances that should run, do not run, and may be restarted now.
 *
 * A work list, oldest first: call begin_start with p_start_reason auto_restart, which checks once more. since is when the restart became possible, by the clock of the database. auto_restart_attempts is the number of automatic restarts in a row. time_next_auto_restart is from when on cooldown and back-off allow the next one.
 */
export interface RestartableInstanceRow {
  instanceId: string;
  apiState: ApiInstanceState;
  stateGeneration: number;
  timeLastAutoRestarted: Date | null;
  since: Date;
  autoRestartAttempts: number;
  timeNextAutoRestart: Date;
}

/**
 * Shows the newest change of the schema that was applied.
 *
 * A service that was built for a schema older than breaking_number does not work with this database; breaking_number 0 means that no change was breaking. The function assertCompatible of the client checks this.
 */
export interface SchemaVersionRow {
  number: number;
  name: string;
  timeApplied: Date;
  breakingNumber: number;
}

/**
 * Lists sleds that should have VMMs and have not been heard for 1 minute.
 *
 * Longest silent first; vmstate.silent_after() is the threshold. A sled is heard when report_sled answers it, also with differs, and when a report of one of its VMMs is accepted. vmm_count is the number of VMMs that the database has on the sled, alive and known to the sled; a sled without one is not listed. time_last_heard is by the clock of the database, and so is since, from when on the sled counts as silent. If the host is dead, call fail_sled. Costs in proportion to the sleds that have VMMs, and to the VMMs of the silent ones.
 */
export interface SilentSledRow {
  sledId: string;
  vmmCount: number;
  timeLastHeard: Date;
  since: Date;
}

/**
 * Lists instances that have been in a transitional state for more than 10 minutes.
 *
 * The transitional states are creating, starting, stopping, rebooting and migrating; vmstate.stuck_after() is the threshold. age is how long there has been no news of the instance, by the clock of the database; waits_for names what has to act.
 */
export interface StuckInstanceRow {
  instanceId: string;
  apiState: ApiInstanceState;
  age: string;
  waitsFor: string;
  since: Date;
}

/**
 * Lists the changes of VMMs, oldest first.
 *
 * One row for each change of the state or the failure_reason, and for a deletion; none for a health report. row_id is the id of the VMM. Shows saga_unwound as it is. time_observed is when the sled saw the state, by the clock of the sled.
 */
export interface VmmHistoryRow {
  time: string;
  id: number;
  transactionId: string;
  instanceId: string;
  rowId: string;
  generation: number;
  oldState: VmmState | null;
  state: VmmState;
  deleted: boolean;
  sledId: string;
  failureReason: FailureReason | null;
  timeObserved: Date;
  role: string;
  verb: string | null;
  sagaId: string;
  cause: string | null;
}

/**
 * Lists every VMM that a sled should know of: ask the sled agents about them.
 *
 * Linked VMMs and unlinked ones, those of deleted instances too: the whole fleet. time_reported is when the last report of the VMM was accepted, by the clock of the database, and null before the first one. time_heard is that time, or when report_sled last said that the sled has just the VMMs of the database, whichever is later: an old time_heard shows a silent sled, or a sled that counts its generations anew and whose reports are refused as stale.
 */
export interface WatchedVmmRow {
  instanceId: string;
  propolisId: string;
  sledId: string;
  propolisIp: string;
  propolisPort: number;
  state: VmmState;
  stateGeneration: number;
  timeStateUpdated: Date;
  linked: boolean;
  timeReported: Date | null;
  timeHeard: Date | null;
}

/**
 * Begins a migration: inserts the destination VMM and the migration, links both.
 *
 * First step of a migrate saga. The destination VMM is inserted in state creating, at generation 1, and the migration with both sides pending; in the same write they replace NULL or a saga_unwound destination VMM. p_propolis_port is 12400 if NULL. p_expected_generation is the generation of the instance; NULL means no check. The same instance, saga, migration, source and destination make a replay.
 *
 * Outcomes:
 *
 * - applied: the destination VMM and the migration were inserted and linked.
 * - unchanged: this saga began this migration between these two VMMs before; nothing was written.
 * - conflict/not_running: the instance has no active VMM that is running or rebooting.
 * - conflict/wrong_source: the active VMM is another than p_source_propolis_id.
 * - conflict/migration_in_progress: a migration is linked whose destination VMM is not saga_unwound.
 * - conflict/same_sled: the active VMM is on p_sled_id already.
 * - conflict/stale_generation: the generation of the instance is not p_expected_generation.
 * - conflict/propolis_id_taken: a VMM with the id p_destination_propolis_id exists, also when this saga inserted and has unwound that VMM.
 * - conflict/migration_id_taken: a migration with the id p_migration_id exists.
 * - gone: the instance was deleted, or a replay names a VMM or a migration that was deleted.
 * - not_found: no instance has this id.
 *
 * Errors:
 *
 * - VM001: an argument without a default is null, or p_propolis_port is not 0 to 65535.
 */
export interface BeginMigrationArguments {
  instanceId: string;
  sagaId: string;
  migrationId: string;
  sourcePropolisId: string;
  destinationPropolisId: string;
  sledId: string;
  propolisIp: string;
  propolisPort?: number | null | undefined;
  expectedGeneration?: number | null | undefined;
}

/**
 * Starts an instance: inserts its VMM and links it as the active one.
 *
 * First step of a start saga. The VMM is inserted in state creating, at generation 1; in the same write it replaces NULL or a saga_unwound VMM, which replaced_propolis_id then names. The intent becomes running. A migration that is still linked is left to the next update. p_propolis_port is 12400 if NULL. p_start_reason is user or auto_restart, and user if NULL: an automatic restart adds 1 to auto_restart_attempts, a user's start resets auto_restart_attempts to 0. p_expected_generation is the generation of the instance; NULL means no check. The same instance, saga and VMM id make a replay.
 *
 * Outcomes:
 *
 * - applied: the VMM was inserted and linked.
 * - unchanged: the same saga and VMM id were given before; nothing was written.
 * - conflict/creating: the instance is still being created; finish_instance_creation comes first.
 * - conflict/already_started: the active VMM is creating, starting, running, rebooting or migrating.
 * - conflict/not_stopped: the active VMM is stopping, stopped, failed or destroyed, and the update saga has yet to unlink that VMM.
 * - conflict/stale_generation: the generation of the instance is not p_expected_generation.
 * - conflict/restart_not_permitted: the intent, the policy, vmstate.auto_restart_wait or the updater lock forbids the automatic restart; a user's start never gets this reason.
 * - conflict/propolis_id_taken: a VMM with the id p_propolis_id exists, also when this saga inserted and has unwound that VMM.
 * - gone: the instance was deleted, or a replay names a VMM that was deleted.
 * - not_found: no instance has this id.
 *
 * Errors:
 *
 * - VM001: an argument without a default is null, p_propolis_port is not 0 to 65535, or p_start_reason is neither user nor auto_restart.
 */
export interface BeginStartArguments {
  instanceId: string;
  sagaId: string;
  propolisId: string;
  sledId: string;
  propolisIp: string;
  propolisPort?: number | null | undefined;
  startReason?: "user" | "auto_restart" | null | undefined;
  expectedGeneration?: number | null | undefined;
}

/**
 * Takes the updater lock of an instance and answers the update plan.
 *
 * First step of an update saga. The lock is a lease of p_lease (more than 0, at most 1 day); an expired lease may be taken over by another saga. updater_generation is the fencing token that commit_update, inherit_update and unlock_update ask for. The saga that holds the lock may call again and gets applied, with the same updater_generation and a lease that never gets shorter.
 *
 * Outcomes:
 *
 * - applied: the saga holds the lock, and the plan is to be carried out.
 * - unchanged: there is nothing to update, and the saga holds no lock.
 * - conflict/locked: another saga holds an unexpired lease.
 * - gone: the instance was deleted.
 * - not_found: no instance has this id.
 *
 * Errors:
 *
 * - VM001: an argument is null, or p_lease is not more than 0 and at most 1 day.
 */
export interface BeginUpdateArguments {
  instanceId: string;
  sagaId: string;
  lease: Interval;
}

/**
 * Binds a role of kind sled_agent to the sled whose VMMs the role may report.
 *
 * The binding replaces any earlier one of the role. p_sled_id NULL removes the binding, so that the role may report nothing. The binding counts for the role that logs in, or that SET ROLE names, not for the members of that role. A transaction that reads an older snapshot still goes by the old binding: to fence a sled at once, first take its access away, by REVOKE of its membership in the group role or by revoke_access. For the owner of the schema only.
 *
 * Outcomes:
 *
 * - applied: the binding was written or removed.
 * - unchanged: the role was bound to this sled, or to none, already.
 *
 * Errors:
 *
 * - VM001: p_role is null or no such role exists; the binding of a role that was dropped can still be removed.
 */
export interface BindSledAgentArguments {
  role: string;
  sledId?: string | null | undefined;
}

/**
 * Ends an updater lock for an operator, whoever holds it and for however long.
 *
 * explain_update shows the fencing token of the lock, which p_updater_generation names. The commit of the saga that held the lock is then conflict/lock_lost. p_reason goes to the log of the server, and to the history as the cause of a change after which the instance is as before.
 *
 * Outcomes:
 *
 * - applied: the lock was ended.
 * - unchanged: that lock has ended before, and no saga holds another.
 * - conflict/lock_lost: a saga holds another lock by now, or no lock ever had that fencing token.
 * - gone: the instance was deleted.
 * - not_found: no instance has this id.
 *
 * Errors:
 *
 * - VM001: an argument is null, or p_reason is empty.
 */
export interface BreakUpdateArguments {
  instanceId: string;
  updaterGeneration: number;
  reason: string;
}

/**
 * Writes the plan that p_plan_token names and releases the updater lock.
 *
 * Last step of an update saga. The ids are written exactly as planned. State and intent are decided at the commit, so a VMM that was unwound meanwhile counts as unwound, and a user's stop is never overwritten. A lease that expired and that no other saga took over still commits. After stale_generation or plan_changed, plan again with begin_update.
 *
 * Outcomes:
 *
 * - applied: the plan was written and the lock released.
 * - unchanged: this saga committed this plan with this fencing token before.
 * - conflict/lock_lost: the saga does not hold the lock that p_updater_generation names; also for another saga or another plan with the fencing token of a committed update. Nothing was written.
 * - conflict/stale_generation: a start or a migration replaced an unwound VMM meanwhile. Nothing was written.
 * - conflict/plan_changed: other ids would be written, or other VMMs unlinked or to terminate. Nothing was written.
 * - gone: the instance was deleted.
 * - not_found: no instance has this id.
 *
 * Errors:
 *
 * - VM001: an argument is null.
 */
export interface CommitUpdateArguments {
  instanceId: string;
  sagaId: string;
  updaterGeneration: number;
  planToken: string;
}

/**
 * Sets both parts of the auto-restart configuration of an instance.
 *
 * Allowed in every state, also under an updater lock. Does not raise the generation of the instance. p_auto_restart_policy NULL restores the default best_effort; p_auto_restart_cooldown NULL restores the default of 5 minutes.
 *
 * Outcomes:
 *
 * - applied: the configuration was written.
 * - unchanged: the instance had this configuration already.
 * - gone: the instance was deleted.
 * - not_found: no instance has this id.
 *
 * Errors:
 *
 * - VM001: p_instance_id is null, or p_auto_restart_cooldown is negative or infinite.
 */
export interface ConfigureInstanceArguments {
  instanceId: string;
  autoRestartPolicy?: AutoRestartPolicy | null | undefined;
  autoRestartCooldown?: Interval | null | undefined;
}

/**
 * Creates an instance in state creating.
 *
 * The saga that creates the instance calls finish_instance_creation at its end. p_name has 1 to 63 characters. p_intended_state is running or stopped. p_auto_restart_policy NULL means best_effort, p_auto_restart_cooldown NULL means 5 minutes. The same id in the same project makes a replay, whatever the other arguments are.
 *
 * Outcomes:
 *
 * - applied: the instance was created.
 * - unchanged: the project has an instance with this id already; nothing was written.
 * - conflict/name_taken: another instance of the project, which is not deleted, has the name.
 * - conflict/instance_id_taken: an instance of another project has the id.
 * - gone: the project had an instance with this id, and that instance was deleted.
 *
 * Errors:
 *
 * - VM001: an argument without a default is null, p_name does not have 1 to 63 characters, p_intended_state is neither running nor stopped, or p_auto_restart_cooldown is negative or infinite.
 */
export type CreateInstanceArguments = InstanceIdArgument & {
  projectId: string;
  name: string;
  intendedState: "running" | "stopped";
  autoRestartPolicy?: AutoRestartPolicy | null | undefined;
  autoRestartCooldown?: Interval | null | undefined;
};

/**
 * Soft-deletes an instance that shows creating, stopped or failed.
 *
 * The migrations of the instance are soft-deleted, too, and a saga_unwound active VMM is unlinked on the way. Allowed under an updater lock: the update saga that holds the lock then gets gone.
 *
 * Outcomes:
 *
 * - applied: the instance was deleted.
 * - unchanged: the instance was deleted before.
 * - conflict/not_stopped: the instance has an active VMM that is not saga_unwound.
 * - not_found: no instance has this id.
 *
 * Errors:
 *
 * - VM001: p_instance_id is null.
 */
export interface DeleteInstanceArguments {
  instanceId: string;
}

/**
 * Soft-deletes a dead VMM that no instance names.
 *
 * The work list of such VMMs is vmstate.abandoned_vmm. The migrations that name the VMM and that no instance links are soft-deleted, too.
 *
 * Outcomes:
 *
 * - applied: the VMM was deleted.
 * - unchanged: the VMM was deleted before.
 * - conflict/linked: an instance still names the VMM.
 * - conflict/not_destroyable: the VMM is alive: neither failed nor destroyed nor saga_unwound.
 * - not_found: the instance has no VMM with this id.
 *
 * Errors:
 *
 * - VM001: an argument is null.
 */
export interface DeleteVmmArguments {
  instanceId: string;
  propolisId: string;
}

/**
 * Shows the update plan that begin_update would answer now, read only.
 *
 * Also shows who holds the updater lock: updater_id (null: nobody), updater_generation and updater_lease_until.
 *
 * Outcomes:
 *
 * - applied: there is a plan to carry out.
 * - unchanged: there is nothing to update.
 * - gone: the instance was deleted.
 * - not_found: no instance has this id.
 *
 * Errors:
 *
 * - VM001: p_instance_id is null.
 */
export interface ExplainUpdateArguments {
  instanceId: string;
}

/**
 * Fails every live VMM of a dead sled, those in state creating too.
 *
 * Answers one row per VMM that the call failed, ordered by VMM id; a second call answers no row. update_needed is true where an instance names the VMM: then run the update saga. Locks VMMs by id and no instance; writes no migration side. A sled that only rebooted may run VMMs that started since: call fail_sled_vmms for such a sled.
 *
 * Outcomes:
 *
 * - applied: the VMM of this row became failed.
 *
 * Errors:
 *
 * - VM001: an argument is null.
 */
export interface FailSledArguments {
  sledId: string;
  reason: FailureReason;
}

/**
 * Fails those of the listed VMMs that are alive and on the sled.
 *
 * For a sled that has lost these VMMs, as in a reboot: a VMM that started since is not listed and stays alive. Answers one row per VMM that the call failed, ordered by VMM id; a second call answers no row. update_needed is true where an instance names the VMM: then run the update saga. Locks VMMs by id and no instance; writes no migration side.
 *
 * Outcomes:
 *
 * - applied: the VMM of this row became failed.
 *
 * Errors:
 *
 * - VM001: an argument or an element of p_propolis_ids is null.
 */
export interface FailSledVmmsArguments {
  sledId: string;
  propolisIds: string[];
  reason: FailureReason;
}

/**
 * Declares a VMM dead, for a watcher or an operator: the VMM becomes failed.
 *
 * Never writes a migration side: a dead destination is enough for the plan, and a dead source must not decide the plan, since the guest may run on the destination already. p_expected_generation is the generation of the VMM; NULL means no check. update_needed is true if an instance names the VMM: then run the update saga.
 *
 * Outcomes:
 *
 * - applied: the VMM became failed.
 * - terminal: the VMM was dead already, also on a replay.
 * - conflict/stale_generation: the generation of the VMM is not p_expected_generation.
 * - gone: the VMM was deleted.
 * - not_found: the instance has no VMM with this id.
 *
 * Errors:
 *
 * - VM001: an argument without a default is null.
 */
export interface FailVmmArguments {
  instanceId: string;
  propolisId: string;
  reason: FailureReason;
  expectedGeneration?: number | null | undefined;
}

/**
 * Ends the creation of an instance: its state creating becomes no_vmm.
 *
 * Outcomes:
 *
 * - applied: the instance is created and may be started.
 * - unchanged: the creation of the instance ended before.
 * - gone: the instance was deleted.
 * - not_found: no instance has this id.
 *
 * Errors:
 *
 * - VM001: p_id is null.
 */
export type FinishInstanceCreationArguments = InstanceIdArgument;

/**
 * Grants a role all that one kind of role needs.
 *
 * control_plane: every verb and every public view. sled_agent: report_vmm, report_vmms and report_vmm_batch, of the VMMs of the sled that bind_sled_agent names, report_sled of that sled, and the view schema_version. reader: every public view, explain_update, instances_in_state and instance_at. operator: what a reader has, and maintain_history. No kind may touch a table. A role may have several kinds. Members of the role have its access, too: for many sleds, grant once to a group role, since PostgreSQL has room for about 2,400 roles on one object. Call grant_access again after a migration of the schema, which may bring new functions and views. revoke_access takes the access away. For the owner of the schema only, with whose rights grant_access runs.
 *
 * Outcomes:
 *
 * - applied: the role was granted what it lacked.
 * - unchanged: the role had all of the kind already.
 *
 * Errors:
 *
 * - VM001: an argument is null, or no such role exists.
 * - 42501: the caller is not the owner of the schema.
 * - 54000: PostgreSQL has no room for one more role on an object.
 */
export interface GrantAccessArguments {
  role: string;
  kind: AccessKind;
}

/**
 * Hands the updater lock of a parent saga over to a child saga.
 *
 * p_updater_generation proves that the parent holds the lock; the answer has a new updater_generation for the child, and the plan. The lock is kept even when there is nothing to update any more. The lease (p_lease: more than 0, at most 1 day) never gets shorter.
 *
 * Outcomes:
 *
 * - applied: p_saga_id holds the lock.
 * - unchanged: this parent handed the lock to this saga before.
 * - conflict/lock_lost: p_parent_saga_id does not hold the lock that p_updater_generation names.
 * - gone: the instance was deleted.
 * - not_found: no instance has this id.
 *
 * Errors:
 *
 * - VM001: an argument is null, or p_lease is not more than 0 and at most 1 day.
 */
export interface InheritUpdateArguments {
  instanceId: string;
  parentSagaId: string;
  updaterGeneration: number;
  sagaId: string;
  lease: Interval;
}

/**
 * Shows an instance and its VMMs as they were at a time, from the history.
 *
 * p_time is compared with the times at which changes were written, which is before they were committed. api_state is what vmstate.api_instance showed; active_state and destination_state are those of the rows, saga_unwound included. time is when the newest of these changes before p_time was written, and null if none is recorded. state_generation is null where only the change that followed is recorded. For the present, any time in the future does.
 *
 * Outcomes:
 *
 * - applied: the instance existed at that time.
 * - conflict/not_recorded: the time is before vmstate.history_extent begins.
 * - gone: the instance had been deleted by then; the columns show the deleted instance.
 * - not_found: the instance did not exist yet, or no instance has this id.
 *
 * Errors:
 *
 * - VM001: an argument is null.
 */
export interface InstanceAtArguments {
  instanceId: string;
  time: Date | string;
}

/**
 * Makes the partitions of the history that come next, and drops old ones.
 *
 * Call it once an hour or a day. Makes what is missing up to two times p_width (default 7 days; at least 1 hour, at most p_keep, without months) ahead, so that no verb writes to history_default. Drops partitions that are wholly older than p_keep (default 90 days; at least 1 day), and deletes rows of history_default that are older, 10,000 in a call: vmstate.history_extent says what is left. A range of time of which history_default has a row gets no partition. Verbs wait at most 100 ms for a lock of this call, and then while it ends its transaction: call it outside of a transaction. p_force makes partitions although history_default has more than 100,000 rows, which PostgreSQL reads while writers of that table wait. If it is never called, nothing breaks and nothing is dropped.
 *
 * Outcomes:
 *
 * - applied: partitions were made or dropped, or rows deleted: created, dropped and deleted say how many.
 * - unchanged: there was nothing to do, or another session is doing it.
 * - conflict/locked: another session held a lock, or wrote to history_default: what was left is for the next call. What was done stays.
 * - conflict/default_full: history_default has more than 100,000 rows, so no partition was made. What was deleted stays.
 *
 * Errors:
 *
 * - VM001: an argument is null, p_keep or p_width is out of its range, or the history would have more than 20 partitions.
 */
export interface MaintainHistoryArguments {
  keep?: Interval | null | undefined;
  width?: Interval | null | undefined;
  force?: boolean | null | undefined;
}

/**
 * Hard-deletes rows that were soft-deleted before p_before.
 *
 * Deletes migrations of which no VMM is in orphaned_vmm or abandoned_vmm, then VMMs that no migration names, then instances that have neither: at most p_limit rows (1 to 100000, default 1000) of all three. Answers one row: how many of each were deleted, and left_over, which is true if more than p_limit rows were due, so that purge must be called again. Skips rows that other sessions have locked, and waits for no lock. Afterwards a late replay of create_instance, begin_start or begin_migration begins anew, and a late report is not_found: let p_before lie further back than any saga or network partition lasts.
 *
 * Errors:
 *
 * - VM001: an argument is null, p_before is less than 1 hour ago, or p_limit is not 1 to 100000.
 */
export interface PurgeArguments {
  before: Date | string;
  limit?: number | null | undefined;
}

/**
 * Gives an instance another name.
 *
 * Allowed in every state. Does not raise the generation of the instance. p_name has 1 to 63 characters.
 *
 * Outcomes:
 *
 * - applied: the name was written.
 * - unchanged: the instance has this name already.
 * - conflict/name_taken: another instance of the project, which is not deleted, has the name.
 * - gone: the instance was deleted.
 * - not_found: no instance has this id.
 *
 * Errors:
 *
 * - VM001: an argument is null, or p_name does not have 1 to 63 characters.
 */
export interface RenameInstanceArguments {
  instanceId: string;
  name: string;
}

/**
 * Records that a sled is alive, and compares which VMMs it has, in which states.
 *
 * One call for all VMMs of a sled of which there is no news. p_vmm_count and p_digest are of the VMMs that live on the sled, by the word of its agent: every VMM but those in state failed or destroyed, and those of which a report was answered terminal or gone. p_digest is the SHA-256, in 64 hexadecimal digits, of one line for each of them, sorted by id: the id in lower case with its hyphens, a space, the state as report_vmm takes it, and a line feed. Without a VMM it is the SHA-256 of nothing. The database compares it with its own VMMs of the sled that are neither deleted, nor dead, nor still creating. If both are equal, every one of these VMMs counts as heard now. Writes the one row of the sled in any case, since the sled is alive, and no VMM: no generation rises. Says nothing of migrations: their parts go by report_vmm. The answer has the number of VMMs that the database has (vmm_count), the time of this report and that of the last one that agreed, by the clock of the database. Locks the row of the sled and no other; of a transaction that is not committed when the call reads the VMMs, the call sees nothing. A role that may call fail_vmm reports every sled; any other role the sled that bind_sled_agent bound the role to.
 *
 * Outcomes:
 *
 * - applied: the sled has the VMMs and the states that the database has.
 * - conflict/differs: the sled is recorded as alive, but the VMMs or their states differ: send them all by report_vmms.
 *
 * Errors:
 *
 * - VM001: an argument is null, p_vmm_count is negative, or p_digest is not 64 hexadecimal digits.
 * - 42501: the caller is bound to another sled, or to none.
 */
export interface ReportSledArguments {
  sledId: string;
  vmmCount: number;
  digest: string;
}

/**
 * Records what a sled agent reports of one VMM and of its migrations.
 *
 * A report has a VMM part, and may have a part on a migration into the VMM (migration_in) and a part on a migration out of the VMM (migration_out); the four arguments of a migration part are given together. Each part is judged by its own generation (1 to 2^53-1) and has its own outcome; a migration part that is refused never discards the VMM part. vmm_outcome is never wrong_side; the outcome of a migration part that was not given is null. p_time, p_migration_in_time and p_migration_out_time say when the sled saw the state, within the years 1970 to 9999. update_needed is true if this very report made a linked VMM, or a side of the linked migration, terminal: then run the update saga. A role that may call fail_vmm reports for every sled; any other role reports for the sled that bind_sled_agent bound the role to.
 *
 * Outcomes:
 *
 * - applied: the part was written.
 * - stale: the generation of the part is not newer than the recorded one.
 * - terminal: the VMM is dead, whatever the generation, or the side of the migration has ended.
 * - wrong_side: the VMM is not that side of the migration.
 * - gone: the VMM or the migration was deleted.
 * - not_found: the instance has no such VMM or no such migration.
 *
 * Errors:
 *
 * - VM001: an argument without a default is null, a generation is not 1 to 2^53-1, a time is not within the years 1970 to 9999, some but not all arguments of a migration part are given, or both migration parts name one migration.
 * - 42501: the VMM is on another sled than the one the caller is bound to, or the caller is bound to none.
 */
export interface ReportVmmArguments {
  instanceId: string;
  propolisId: string;
  state: ReportedVmmState;
  generation: number;
  time: Date | string;
  migrationInId?: string | null | undefined;
  migrationInState?: MigrationState | null | undefined;
  migrationInGeneration?: number | null | undefined;
  migrationInTime?: Date | string | null | undefined;
  migrationOutId?: string | null | undefined;
  migrationOutState?: MigrationState | null | undefined;
  migrationOutGeneration?: number | null | undefined;
  migrationOutTime?: Date | string | null | undefined;
}

/**
 * Records many reports of sled agents in one call, each as report_vmm does.
 *
 * p_reports is an array of objects. Their keys are the arguments of report_vmm without p_; a key may be absent or null where that argument may be. Answers one row per element, in order: the place of the element (ordinal, from 1), its ids, and the columns of report_vmm. Of several reports of one VMM, later ones are judged after earlier ones. Locks all VMMs by id, then all migrations by id. An error writes nothing of the whole batch.
 *
 * Outcomes:
 *
 * - applied: the part was written.
 * - stale: the generation of the part is not newer than the recorded one.
 * - terminal: the VMM is dead, whatever the generation, or the side of the migration has ended.
 * - wrong_side: the VMM is not that side of the migration.
 * - gone: the VMM or the migration was deleted.
 * - not_found: the instance has no such VMM or no such migration.
 *
 * Errors:
 *
 * - VM001: p_reports is not an array, or an element is no object, has an unknown key (whatever its value), or is not what report_vmm takes; the DETAIL names the element.
 * - 42501: the VMM of an element, which the DETAIL names, is on another sled than the one the caller is bound to, or the caller is bound to none.
 */
export interface ReportVmmsArguments {
  reports: unknown;
}

/**
 * Records that the user wants the guest rebooted: the intent becomes running.
 *
 * Allowed while the instance shows starting, running, rebooting or migrating. command_propolis_ids names the active VMM, if that VMM is alive: tell its sled agent to reboot the guest, also when the outcome is unchanged.
 *
 * Outcomes:
 *
 * - applied: the intent became running.
 * - unchanged: the intent was running already; command the VMM all the same.
 * - conflict/not_running: the instance shows none of the four states; nothing was written.
 * - gone: the instance was deleted.
 * - not_found: no instance has this id.
 *
 * Errors:
 *
 * - VM001: p_instance_id is null.
 */
export interface RequestRebootArguments {
  instanceId: string;
}

/**
 * Records that the user wants the instance stopped: the intent becomes stopped.
 *
 * Allowed in every state but creating. An instance in state failed becomes no_vmm, which raises its generation. command_propolis_ids names the live VMMs, the active one first and during a migration both: tell their sled agents to stop the guest, also when the outcome is unchanged.
 *
 * Outcomes:
 *
 * - applied: the intent became stopped, or the state failed became no_vmm.
 * - unchanged: the intent was stopped already; command the VMMs all the same.
 * - conflict/creating: the instance is still being created; nothing was written.
 * - gone: the instance was deleted.
 * - not_found: no instance has this id.
 *
 * Errors:
 *
 * - VM001: p_instance_id is null.
 */
export interface RequestStopArguments {
  instanceId: string;
}

/**
 * Revokes from a role what grant_access gave it for one kind.
 *
 * Takes effect at once, also in transactions that are under way. What another kind of the role needs stays, where the role has all of that kind and p_kind does not include that kind: control_plane includes the other kinds and operator includes reader, so grant those again if they should stay. What the role has as a member of other roles stays, and so does the binding of a sled agent, which bind_sled_agent ends. For the owner of the schema only.
 *
 * Outcomes:
 *
 * - applied: access was taken away.
 * - unchanged: there was nothing to take away.
 *
 * Errors:
 *
 * - VM001: an argument is null, no such role exists, or the role owns the schema.
 * - 42501: the caller is not the owner of the schema.
 */
export interface RevokeAccessArguments {
  role: string;
  kind: AccessKind;
}

/**
 * Plans and commits an update of an instance in one call.
 *
 * For callers that have nothing to do between plan and commit. Answers the columns of begin_update, with the plan that was applied. Terminate the VMMs in terminate_propolis_ids afterwards; until then vmstate.orphaned_vmm lists them.
 *
 * Outcomes:
 *
 * - applied: the plan was written.
 * - unchanged: there is nothing to update, and the saga holds no lock.
 * - conflict/locked: another saga holds an unexpired lease.
 * - gone: the instance was deleted.
 * - not_found: no instance has this id.
 *
 * Errors:
 *
 * - VM001: an argument is null.
 */
export interface RunUpdateArguments {
  instanceId: string;
  sagaId: string;
}

/**
 * Records that a VMM has ended, updates its instance and deletes the VMM.
 *
 * One call for what a control plane does after a VMM failed or was destroyed, if it has no network to move and nothing else to do in between. The three parts are report_vmm (vmm_outcome), run_update (update_outcome, update_reason) and delete_vmm (delete_outcome, delete_reason), each by its own rules, in one transaction. A report that is stale, or whose p_state is neither failed nor destroyed, is no more than a report: the other two outcomes are null. So is delete_outcome if p_delete is false; p_delete is true if NULL. If a migration still needs the VMM, or another saga holds the updater lock, the report is recorded all the same, and the update and the deletion are left to a later call. Terminate the VMMs in terminate_propolis_ids afterwards. A replay finds the VMM terminal or gone, and answers unchanged for the update and the deletion. p_generation is 1 to 2^53-1; p_time is within the years 1970 to 9999.
 *
 * Outcomes:
 *
 * - applied: the part was written.
 * - unchanged: there is nothing to update, or the VMM was deleted before.
 * - stale: the generation of the report is not newer than the recorded one; nothing else was done.
 * - terminal: the VMM was dead before; the update and the deletion follow.
 * - conflict/locked: another saga holds an unexpired lease of the updater lock.
 * - conflict/linked: the instance still names the VMM, so the VMM was not deleted.
 * - gone: the VMM or the instance was deleted.
 * - not_found: the instance has no VMM with this id.
 *
 * Errors:
 *
 * - VM001: an argument without a default is null, p_generation is not 1 to 2^53-1, or p_time is not within the years 1970 to 9999.
 * - 42501: the caller was granted settle, but neither fail_vmm nor the sled that the VMM is on.
 */
export interface SettleArguments {
  instanceId: string;
  propolisId: string;
  sagaId: string;
  state: ReportedVmmState;
  generation: number;
  time: Date | string;
  delete?: boolean | null | undefined;
}

/**
 * Undoes begin_update: releases the updater lock and applies nothing.
 *
 * Undo of an update saga.
 *
 * Outcomes:
 *
 * - applied: the lock was released.
 * - unchanged: the lock of this saga was released before, also by its commit.
 * - conflict/lock_lost: the saga does not hold the lock that p_updater_generation names.
 * - gone: the instance was deleted.
 * - not_found: no instance has this id.
 *
 * Errors:
 *
 * - VM001: an argument is null.
 */
export interface UnlockUpdateArguments {
  instanceId: string;
  sagaId: string;
  updaterGeneration: number;
}

/**
 * Undoes begin_migration: the destination VMM becomes saga_unwound.
 *
 * Undo of a migrate saga. Both sides of the migration become failed in the same transaction. The instance is never written: its state goes on deriving from the active VMM. The columns state and state_generation are those of the destination VMM. Call unwind_migration first, and only then unregister the VMM from its sled.
 *
 * Outcomes:
 *
 * - applied: the destination VMM is saga_unwound, and both sides of the migration are failed.
 * - unchanged: the destination VMM was saga_unwound before, or is dead and no instance names it.
 * - conflict/wrong_saga: another saga began the migration.
 * - conflict/handed_over: a side of the migration completed, so the guest may run on the destination.
 * - gone: the migration or its destination VMM was deleted.
 * - not_found: the instance has no migration with this id.
 *
 * Errors:
 *
 * - VM001: an argument is null.
 */
export interface UnwindMigrationArguments {
  instanceId: string;
  sagaId: string;
  migrationId: string;
}

/**
 * Undoes begin_start: the VMM becomes saga_unwound.
 *
 * Undo of a start saga. A VMM is unwound from any live state, and from failed or destroyed while an instance still names the VMM. The instance is never written, so a running update keeps its generation; the instance shows stopped from then on. Call unwind_start first, and only then unregister the VMM from its sled.
 *
 * Outcomes:
 *
 * - applied: the VMM is saga_unwound.
 * - unchanged: the VMM was saga_unwound before, or is dead and no instance names it.
 * - conflict/wrong_saga: another saga inserted the VMM.
 * - conflict/migration_destination: a migration has the VMM as its destination; use unwind_migration.
 * - conflict/handed_over: the guest of the VMM has moved to another VMM.
 * - gone: the VMM was deleted.
 * - not_found: the instance has no VMM with this id.
 *
 * Errors:
 *
 * - VM001: an argument is null.
 */
export interface UnwindStartArguments {
  instanceId: string;
  sagaId: string;
  propolisId: string;
}

/**
 * The arguments of each verb, by which a wrapper checks what it is given before it sends anything. One with a question
 * mark may be left out.
 *
 * @hidden
 */
export const ARGUMENTS = {
  beginMigration: {
    instanceId: "id",
    sagaId: "id",
    migrationId: "id",
    sourcePropolisId: "id",
    destinationPropolisId: "id",
    sledId: "id",
    propolisIp: "text",
    propolisPort: "number?",
    expectedGeneration: "number?",
  },
  beginStart: {
    instanceId: "id",
    sagaId: "id",
    propolisId: "id",
    sledId: "id",
    propolisIp: "text",
    propolisPort: "number?",
    startReason: "text?",
    expectedGeneration: "number?",
  },
  beginUpdate: { instanceId: "id", sagaId: "id", lease: "text" },
  bindSledAgent: { role: "text", sledId: "id?" },
  breakUpdate: { instanceId: "id", updaterGeneration: "number", reason: "text" },
  commitUpdate: { instanceId: "id", sagaId: "id", updaterGeneration: "number", planToken: "text" },
  configureInstance: { instanceId: "id", autoRestartPolicy: "text?", autoRestartCooldown: "text?" },
  createInstance: {
    instanceId: "id",
    projectId: "id",
    name: "text",
    intendedState: "text",
    autoRestartPolicy: "text?",
    autoRestartCooldown: "text?",
  },
  deleteInstance: { instanceId: "id" },
  deleteVmm: { instanceId: "id", propolisId: "id" },
  explainUpdate: { instanceId: "id" },
  failSled: { sledId: "id", reason: "text" },
  failSledVmms: { sledId: "id", propolisIds: "any", reason: "text" },
  failVmm: { instanceId: "id", propolisId: "id", reason: "text", expectedGeneration: "number?" },
  finishInstanceCreation: { instanceId: "id" },
  grantAccess: { role: "text", kind: "text" },
  inheritUpdate: {
    instanceId: "id",
    parentSagaId: "id",
    updaterGeneration: "number",
    sagaId: "id",
    lease: "text",
  },
  instanceAt: { instanceId: "id", time: "any" },
  maintainHistory: { keep: "text?", width: "text?", force: "boolean?" },
  purge: { before: "any", limit: "number?" },
  renameInstance: { instanceId: "id", name: "text" },
  reportSled: { sledId: "id", vmmCount: "number", digest: "text" },
  reportVmm: {
    instanceId: "id",
    propolisId: "id",
    state: "text",
    generation: "number",
    time: "any",
    migrationInId: "id?",
    migrationInState: "text?",
    migrationInGeneration: "number?",
    migrationInTime: "any?",
    migrationOutId: "id?",
    migrationOutState: "text?",
    migrationOutGeneration: "number?",
    migrationOutTime: "any?",
  },
  reportVmms: { reports: "any" },
  requestReboot: { instanceId: "id" },
  requestStop: { instanceId: "id" },
  revokeAccess: { role: "text", kind: "text" },
  runUpdate: { instanceId: "id", sagaId: "id" },
  settle: {
    instanceId: "id",
    propolisId: "id",
    sagaId: "id",
    state: "text",
    generation: "number",
    time: "any",
    delete: "boolean?",
  },
  unlockUpdate: { instanceId: "id", sagaId: "id", updaterGeneration: "number" },
  unwindMigration: { instanceId: "id", sagaId: "id", migrationId: "id" },
  unwindStart: { instanceId: "id", sagaId: "id", propolisId: "id" },
} as const;

/**
 * The JSON of a row of each view, for a statement that reads the view as `r`. Each column is named: of a view over
 * several shards, Citus calls the columns of a whole row f1, f2 and so on.
 *
 * @hidden
 */
export const VIEW_ROWS = {
  abandoned_vmm:
    "pg_catalog.json_build_object('instance_id', r.instance_id, 'propolis_id', r.propolis_id, 'sled_id', r.sled_id, 'state', r.state, 'time_unlinked', r.time_unlinked, 'since', r.since)",
  api_instance:
    "pg_catalog.json_build_object('id', r.id, 'instance_id', r.id, 'state', r.state, 'project_id', r.project_id, 'name', r.name, 'intended_state', r.intended_state, 'auto_restart_policy', r.auto_restart_policy, 'auto_restart_cooldown', r.auto_restart_cooldown, 'time_state_updated', r.time_state_updated, 'time_created', r.time_created, 'time_modified', r.time_modified)",
  api_migration:
    "pg_catalog.json_build_object('id', r.id, 'migration_id', r.id, 'instance_id', r.instance_id, 'source_propolis_id', r.source_propolis_id, 'source_sled_id', r.source_sled_id, 'source_api_state', r.source_api_state, 'source_state', r.source_state, 'destination_propolis_id', r.destination_propolis_id, 'destination_sled_id', r.destination_sled_id, 'destination_api_state', r.destination_api_state, 'destination_state', r.destination_state, 'time_source_updated', r.time_source_updated, 'time_destination_updated', r.time_destination_updated, 'time_created', r.time_created, 'time_reported', r.time_reported)",
  api_vmm:
    "pg_catalog.json_build_object('id', r.id, 'propolis_id', r.id, 'state', r.state, 'instance_id', r.instance_id, 'sled_id', r.sled_id, 'propolis_ip', r.propolis_ip, 'propolis_port', r.propolis_port, 'failure_reason', r.failure_reason, 'time_state_updated', r.time_state_updated, 'time_created', r.time_created)",
  history_extent: "pg_catalog.json_build_object('since', r.since, 'last_dropped_id', r.last_dropped_id)",
  instance_detail:
    "pg_catalog.json_build_object('id', r.id, 'instance_id', r.id, 'api_state', r.api_state, 'state', r.state, 'state_generation', r.state_generation, 'intended_state', r.intended_state, 'project_id', r.project_id, 'name', r.name, 'auto_restart_policy', r.auto_restart_policy, 'auto_restart_cooldown', r.auto_restart_cooldown, 'active_propolis_id', r.active_propolis_id, 'active_api_state', r.active_api_state, 'active_sled_id', r.active_sled_id, 'active_propolis_ip', r.active_propolis_ip, 'active_propolis_port', r.active_propolis_port, 'destination_propolis_id', r.destination_propolis_id, 'destination_api_state', r.destination_api_state, 'destination_sled_id', r.destination_sled_id, 'destination_propolis_ip', r.destination_propolis_ip, 'destination_propolis_port', r.destination_propolis_port, 'migration_id', r.migration_id, 'migration_source_propolis_id', r.migration_source_propolis_id, 'migration_source_state', r.migration_source_state, 'migration_destination_state', r.migration_destination_state, 'time_state_updated', r.time_state_updated, 'time_created', r.time_created, 'time_modified', r.time_modified)",
  instance_history:
    "pg_catalog.json_build_object('time', r.time, 'id', r.id, 'transaction_id', r.transaction_id, 'instance_id', r.instance_id, 'generation', r.generation, 'old_state', r.old_state, 'state', r.state, 'deleted', r.deleted, 'old_active_propolis_id', r.old_active_propolis_id, 'active_propolis_id', r.active_propolis_id, 'old_destination_propolis_id', r.old_destination_propolis_id, 'destination_propolis_id', r.destination_propolis_id, 'old_migration_id', r.old_migration_id, 'migration_id', r.migration_id, 'old_intended_state', r.old_intended_state, 'intended_state', r.intended_state, 'role', r.role, 'verb', r.verb, 'saga_id', r.saga_id, 'cause', r.cause)",
  invariant_violation:
    "pg_catalog.json_build_object('instance_id', r.instance_id, 'propolis_id', r.propolis_id, 'invariant', r.invariant, 'detail', r.detail)",
  migration_history:
    "pg_catalog.json_build_object('time', r.time, 'id', r.id, 'transaction_id', r.transaction_id, 'instance_id', r.instance_id, 'row_id', r.row_id, 'generation', r.generation, 'old_state', r.old_state, 'state', r.state, 'old_destination_state', r.old_destination_state, 'destination_state', r.destination_state, 'deleted', r.deleted, 'source_propolis_id', r.source_propolis_id, 'destination_propolis_id', r.destination_propolis_id, 'role', r.role, 'verb', r.verb, 'saga_id', r.saga_id, 'cause', r.cause)",
  orphaned_vmm:
    "pg_catalog.json_build_object('instance_id', r.instance_id, 'propolis_id', r.propolis_id, 'sled_id', r.sled_id, 'propolis_ip', r.propolis_ip, 'propolis_port', r.propolis_port, 'state', r.state, 'time_unlinked', r.time_unlinked, 'expected_to_end', r.expected_to_end, 'since', r.since)",
  pending_update:
    "pg_catalog.json_build_object('instance_id', r.instance_id, 'verdict', r.verdict, 'state_generation', r.state_generation, 'updater_generation', r.updater_generation, 'since', r.since)",
  restartable_instance:
    "pg_catalog.json_build_object('instance_id', r.instance_id, 'api_state', r.api_state, 'state_generation', r.state_generation, 'time_last_auto_restarted', r.time_last_auto_restarted, 'since', r.since, 'auto_restart_attempts', r.auto_restart_attempts, 'time_next_auto_restart', r.time_next_auto_restart)",
  schema_version:
    "pg_catalog.json_build_object('number', r.number, 'name', r.name, 'time_applied', r.time_applied, 'breaking_number', r.breaking_number)",
  silent_sled:
    "pg_catalog.json_build_object('sled_id', r.sled_id, 'vmm_count', r.vmm_count, 'time_last_heard', r.time_last_heard, 'since', r.since)",
  stuck_instance:
    "pg_catalog.json_build_object('instance_id', r.instance_id, 'api_state', r.api_state, 'age', r.age, 'waits_for', r.waits_for, 'since', r.since)",
  vmm_history:
    "pg_catalog.json_build_object('time', r.time, 'id', r.id, 'transaction_id', r.transaction_id, 'instance_id', r.instance_id, 'row_id', r.row_id, 'generation', r.generation, 'old_state', r.old_state, 'state', r.state, 'deleted', r.deleted, 'sled_id', r.sled_id, 'failure_reason', r.failure_reason, 'time_observed', r.time_observed, 'role', r.role, 'verb', r.verb, 'saga_id', r.saga_id, 'cause', r.cause)",
  watched_vmm:
    "pg_catalog.json_build_object('instance_id', r.instance_id, 'propolis_id', r.propolis_id, 'sled_id', r.sled_id, 'propolis_ip', r.propolis_ip, 'propolis_port', r.propolis_port, 'state', r.state, 'state_generation', r.state_generation, 'time_state_updated', r.time_state_updated, 'linked', r.linked, 'time_reported', r.time_reported, 'time_heard', r.time_heard)",
} as const;

/** Columns, in camel case, that hold points in time. */
export const TIME_COLUMNS: ReadonlySet<string> = new Set([
  "since",
  "timeAgreed",
  "timeApplied",
  "timeCreated",
  "timeDestinationUpdated",
  "timeHeard",
  "timeLastAutoRestarted",
  "timeLastHeard",
  "timeModified",
  "timeNextAutoRestart",
  "timeObserved",
  "timeReported",
  "timeSourceUpdated",
  "timeStateUpdated",
  "timeUnlinked",
  "updaterLeaseUntil",
]);

/** Columns, in camel case, that hold points in time to the microsecond, which stay text. */
export const PRECISE_TIME_COLUMNS: ReadonlySet<string> = new Set(["time"]);

/** Columns, in camel case, that hold whole numbers. */
export const NUMBER_COLUMNS: ReadonlySet<string> = new Set([
  "activePropolisPort",
  "autoRestartAttempts",
  "breakingNumber",
  "created",
  "destinationPropolisPort",
  "dropped",
  "generation",
  "instances",
  "lastDroppedId",
  "migrations",
  "number",
  "ordinal",
  "propolisPort",
  "stateGeneration",
  "updaterGeneration",
  "vmmCount",
  "vmmStateGeneration",
  "vmms",
]);

/** Columns, in camel case, that hold intervals. */
export const INTERVAL_COLUMNS: ReadonlySet<string> = new Set(["age", "autoRestartCooldown"]);
