// Generated from a migrated database by `npm run generate`; the tests compare. Do not edit.

/** PostgreSQL's text for an interval (`'30 seconds'`), or a number of seconds. */
export type Interval = string | number;

/** The number of the newest migration of this package. */
export const SCHEMA_NUMBER = 10;

/** What vmstate.grant_access makes of a role. control_plane: every verb and every public view. sled_agent: the reports, of the VMMs of its own sled, and schema_version. reader: every public view, and explain_update. */
export type AccessKind = "control_plane" | "sled_agent" | "reader";

/** State of an instance as the API shows it. */
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

/** State of a VMM as the API shows it: saga_unwound appears as destroyed. */
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

/** Whether the control plane may start an instance again after it failed. NULL in a row means best_effort. */
export type AutoRestartPolicy = "never" | "best_effort";

/** Why a VMM is failed. */
export type FailureReason = "sled_agent_report" | "no_such_vmm" | "sled_expunged" | "sled_off" | "operator";

/** State of an instance row. While it is vmm, what the user sees derives from its VMMs: vmstate.effective_instance_state. */
export type InstanceState = "creating" | "no_vmm" | "vmm" | "failed" | "destroyed";

/** What the instance should be: the user's wish, or guest_shutdown after the guest ended its VM itself. */
export type IntendedState = "running" | "stopped" | "guest_shutdown" | "destroyed";

/** State of one side of a migration. failed and completed are terminal. */
export type MigrationState = "pending" | "in_progress" | "failed" | "completed";

/** What the two sides and the VMMs of a linked migration amount to: vmstate.migration_verdict. */
export type MigrationVerdict = "none" | "void" | "in_progress" | "handed_over" | "completed" | "failed";

/** What became of a call. applied: written. unchanged: a replay, or nothing to do. stale: generation not newer. terminal: the row is absorbing. conflict: see reason. wrong_side: the VMM is not that side of the migration. gone: the row was deleted. not_found: it never existed, or belongs to another instance. */
export type Outcome =
  "applied" | "unchanged" | "stale" | "terminal" | "conflict" | "wrong_side" | "gone" | "not_found";

/** What a sled agent can say of a VMM: neither creating nor saga_unwound. */
export type ReportedVmmState =
  "starting" | "running" | "stopping" | "stopped" | "rebooting" | "migrating" | "failed" | "destroyed";

/** State of a VMM. failed, destroyed and saga_unwound are absorbing. saga_unwound is set only by an unwinding start or migrate saga and never leaves the database. */
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

/** What became of a report of a batch, with its place there, from 1: a row of vmstate.report_vmms. */
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

/** vmstate.instance_result, and the live VMMs whose sled agents must be told. */
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
}

/** vmstate.vmm_result, and whether the update saga has to run because an instance still names the VMM. */
export interface FailResult {
  outcome: Outcome | null;
  reason: string | null;
  state: VmmState | null;
  stateGeneration: number | null;
  updateNeeded: boolean | null;
}

/** What an instance verb answers: the outcome, and the instance as it stands after the call (nulls when not found). */
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

/** What became of each part of a report (null: not part of it), whether this very report made a linked row terminal so that the update saga has to run, and the VMM as it stands. */
export interface ReportResult {
  vmmOutcome: Outcome | null;
  migrationInOutcome: Outcome | null;
  migrationOutOutcome: Outcome | null;
  updateNeeded: boolean | null;
  state: VmmState | null;
  stateGeneration: number | null;
}

/** vmstate.instance_result, and the unwound VMM that the new one replaced, if any. */
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

/** vmstate.instance_result, the updater lock, and the update plan: the row as it will be, what to do with the network (keep, move, delete; network_propolis_id is where it belongs afterwards), the VMMs that lose their link, those of them to terminate on their sleds, a token that names this plan, and the saga that holds the updater lock (null: nobody). */
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
}

/** What a VMM verb answers: the outcome, and the VMM as it stands after the call (nulls when not found). */
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

/** Work list: dead VMMs that no instance names, oldest first (since: when it was dead and unlinked). Delete each with delete_vmm. */
export interface AbandonedVmmRow {
  instanceId: string;
  propolisId: string;
  sledId: string;
  state: VmmState;
  timeUnlinked: Date | null;
  since: Date;
}

/** Instances as the API shows them; deleted ones are hidden. time_state_updated is the active VMM's, if there is one; a sled whose clock is ahead is shown as now. */
export interface ApiInstanceRow {
  id: string;
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

/** VMMs as the API shows them: saga_unwound appears as destroyed; deleted ones are hidden; a time of a sled in the future is shown as now. */
export interface ApiVmmRow {
  id: string;
  state: ApiVmmState;
  instanceId: string;
  sledId: string;
  propolisIp: string;
  propolisPort: number;
  failureReason: FailureReason | null;
  timeStateUpdated: Date;
  timeCreated: Date;
}

/** What must never be, one row per breach: empty unless triggers or foreign keys were switched off. Reads whole tables. */
export interface InvariantViolationRow {
  instanceId: string;
  propolisId: string;
  invariant: string;
  detail: string;
}

/** Work list: VMMs that live although no instance names them, oldest first (since: when the link was removed). Terminate each on its sled, then it reports destroyed or fail_vmm says so. expected_to_end: the source of a migration that got through, or whose destination has the guest and lives, ends by itself. */
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

/** Work list of the update saga: instances with something to update that no unexpired updater lock holds, oldest first. since: when the need arose, or when the last updater lock ended without a commit, by the clock of the database, so that an instance whose updates fail does not keep others waiting. Run begin_update or run_update on each. */
export interface PendingUpdateRow {
  instanceId: string;
  verdict: MigrationVerdict;
  stateGeneration: number;
  updaterGeneration: number;
  since: Date;
}

/** Work list: instances that should run, do not, and may be restarted now, oldest first. since: when the restart became possible, by the clock of the database; auto_restart_attempts: automatic restarts in a row; time_next_auto_restart: from when on cooldown and back-off allow the next. Call begin_start with p_start_reason auto_restart, which checks once more. */
export interface RestartableInstanceRow {
  instanceId: string;
  apiState: ApiInstanceState;
  stateGeneration: number;
  timeLastAutoRestarted: Date | null;
  since: Date;
  autoRestartAttempts: number;
  timeNextAutoRestart: Date;
}

/** The newest change of the schema that was applied. A service that knows less than breaking_number (0: none was breaking) no longer works with this database; assertCompatible asks. */
export interface SchemaVersionRow {
  number: number;
  name: string;
  timeApplied: Date;
  breakingNumber: number;
}

/** Instances that have shown creating, starting, stopping, rebooting or migrating for longer than vmstate.stuck_after() (10 minutes) without any news by the clock of the database, with their age and what they wait for. */
export interface StuckInstanceRow {
  instanceId: string;
  apiState: ApiInstanceState;
  age: string;
  waitsFor: string;
  since: Date;
}

/** Every VMM that a sled should know of, linked or not, those of deleted instances too: ask the sled agents about them. The whole fleet. time_reported: when the last report was accepted, by the clock of the database (null: none yet); an old one, or a sled that counts its generations anew and is refused as stale, is found by it. */
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
}

/** First step of a migrate saga: inserts the destination VMM (creating) and the migration (both sides pending) and links both, replacing NULL or a saga_unwound destination in the same write. p_propolis_port NULL means 12400, p_expected_generation NULL means no check. The same saga, migration, source and destination make a replay. conflict: not_running (the active VMM is not running or rebooting), wrong_source (another VMM is active), migration_in_progress, same_sled, stale_generation, propolis_id_taken (also a replay after the saga's own unwind), migration_id_taken. */
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

/** First step of a start saga: inserts the VMM (creating, generation 1) and links it as the active one, replacing NULL or a saga_unwound VMM (replaced_propolis_id) in the same write; the intent becomes running. An automatic restart counts in auto_restart_attempts, a user's start resets it. p_propolis_port NULL means 12400, p_start_reason (user or auto_restart) NULL means user, p_expected_generation NULL means no check. The same saga and VMM id make a replay. conflict: creating, already_started, not_stopped (a dead or stopping VMM that the update saga has yet to unlink), stale_generation, restart_not_permitted (auto_restart only: intent, policy, vmstate.auto_restart_wait or the updater lock forbid it), propolis_id_taken (also a replay after the saga's own unwind). */
export interface BeginStartArguments {
  instanceId: string;
  sagaId: string;
  propolisId: string;
  sledId: string;
  propolisIp: string;
  propolisPort?: number | null | undefined;
  startReason?: string | null | undefined;
  expectedGeneration?: number | null | undefined;
}

/** First step of an update saga: takes the updater lock for p_lease (more than 0, at most 1 day) and answers the plan. updater_generation is the fencing token that commit_update, inherit_update and unlock_update ask for. An expired lease may be taken over; the holder again is applied, with the same updater_generation and a lease that never gets shorter. unchanged: nothing to do, no lock kept. conflict: locked (the unexpired lease of another saga). */
export interface BeginUpdateArguments {
  instanceId: string;
  sagaId: string;
  lease: Interval;
}

/** Says which sled a role of kind sled_agent reports for, in place of any before; p_sled_id NULL: none, so that it may report nothing. A transaction that reads an older snapshot still goes by the old one: to fence a sled at once, first take its access away: REVOKE its membership of the group role, or revoke_access. It counts for the role that logs in, or that SET ROLE names, not for its members. unchanged: it was so already. For the owner of the schema only. VM001: no such role. */
export interface BindSledAgentArguments {
  role: string;
  sledId?: string | null | undefined;
}

/** An operator ends the updater lock that p_updater_generation names (explain_update shows it), whoever holds it and however long its lease: the holder's commit is then lock_lost. p_reason, not empty, goes to the server's log. unchanged: that lock has ended, and nobody holds another. conflict: lock_lost (another lock is held by now, or none was ever given that token). */
export interface BreakUpdateArguments {
  instanceId: string;
  updaterGeneration: number;
  reason: string;
}

/** Last step of an update saga: writes exactly the plan that p_plan_token names and releases the updater lock. State and intent are decided now, so a VMM unwound meanwhile counts as unwound, and a user's stop is never overwritten. An expired lease that nobody took still commits. unchanged: this saga committed this plan with this token already. conflict, and nothing written: lock_lost (also for another saga or plan with the token of a committed update), stale_generation (a start or migration replaced an unwound VMM meanwhile), plan_changed (other ids, or other VMMs unlinked or to terminate): plan again with begin_update. */
export interface CommitUpdateArguments {
  instanceId: string;
  sagaId: string;
  updaterGeneration: number;
  planToken: string;
}

/** Sets both parts of the auto-restart configuration, at any time; NULL restores the default (best_effort, 5 minutes). Does not raise the generation. */
export interface ConfigureInstanceArguments {
  instanceId: string;
  autoRestartPolicy?: AutoRestartPolicy | null | undefined;
  autoRestartCooldown?: Interval | null | undefined;
}

/** Creates an instance in state creating. The same id in the same project is a replay (unchanged); conflict: name_taken (another instance of the project that is not deleted has the name), instance_id_taken (another project has the id). p_name: 1 to 63 characters. p_intended_state: running or stopped. p_auto_restart_policy NULL means best_effort, p_auto_restart_cooldown NULL means 5 minutes. */
export interface CreateInstanceArguments {
  id: string;
  projectId: string;
  name: string;
  intendedState: IntendedState;
  autoRestartPolicy?: AutoRestartPolicy | null | undefined;
  autoRestartCooldown?: Interval | null | undefined;
}

/** Soft-deletes an instance that shows creating, stopped or failed (a saga_unwound active VMM is unlinked on the way), and its migrations. An update saga that holds the lock then gets gone. A second delete: unchanged. conflict: not_stopped. */
export interface DeleteInstanceArguments {
  instanceId: string;
}

/** Soft-deletes a dead VMM that no instance names (work list vmstate.abandoned_vmm), and the migrations that name it and that no instance needs. A second delete: unchanged. conflict: linked, not_destroyable. */
export interface DeleteVmmArguments {
  instanceId: string;
  propolisId: string;
}

/** The plan as begin_update would answer it now, read only, and who holds the updater lock (updater_id, updater_generation, updater_lease_until; updater_id null: nobody). applied: there is a plan; unchanged: none. */
export interface ExplainUpdateArguments {
  instanceId: string;
}

/** The host is dead: every live VMM on the sled becomes failed, those still creating too. One row per VMM it failed, by VMM id; a second call answers no row. Locks VMMs by id and no instance; writes no migration side. A sled that only rebooted may run VMMs that started since: fail_sled_vmms. */
export interface FailSledArguments {
  sledId: string;
  reason: FailureReason;
}

/** The sled has lost these VMMs, as in a reboot: those of p_propolis_ids that are alive and on this sled become failed, and no VMM that started since. One row per VMM it failed, by VMM id; a second call answers no row. Locks VMMs by id and no instance; writes no migration side. VM001: nulls, also in p_propolis_ids. */
export interface FailSledVmmsArguments {
  sledId: string;
  propolisIds: string[];
  reason: FailureReason;
}

/** A watcher or an operator declares a VMM dead: it becomes failed. Never writes a migration side: a dead destination is enough for the plan, and a dead source must not decide it, since the guest may run on the destination already. p_expected_generation is the VMM's (NULL: no check). update_needed: an instance names the VMM. terminal: dead already, also on a replay. conflict: stale_generation. */
export interface FailVmmArguments {
  instanceId: string;
  propolisId: string;
  reason: FailureReason;
  expectedGeneration?: number | null | undefined;
}

/** Ends the creation of an instance: creating becomes no_vmm. unchanged when that is past. */
export interface FinishInstanceCreationArguments {
  id: string;
}

/** Gives a role all that one kind of role needs. control_plane: every verb, every public view. sled_agent: report_vmm and report_vmms, of the VMMs of the sled that bind_sled_agent names; of views it reads schema_version only. reader: every public view, and explain_update. No kind may touch a table. A role may have several kinds. Roles that are members of the role have its access too: for many sleds, grant once to a group role, since PostgreSQL has room for about 2,400 roles on one object. unchanged: it had all of it already. For the owner of the schema only, with whose rights it runs; call it again after a migration, which may bring new functions and views. revoke_access takes away. 54000: no room for one more role. VM001: no such role, nulls. */
export interface GrantAccessArguments {
  role: string;
  kind: AccessKind;
}

/** A child saga takes the updater lock over from its parent, which p_updater_generation proves to be the holder; the answer has a new updater_generation and the plan. The lock is kept even when nothing is to do any more, and the lease (p_lease: more than 0, at most 1 day) never gets shorter. unchanged: this parent handed the lock to this saga already. conflict: lock_lost. */
export interface InheritUpdateArguments {
  instanceId: string;
  parentSagaId: string;
  updaterGeneration: number;
  sagaId: string;
  lease: Interval;
}

/** Hard-deletes what was soft-deleted before p_before: migrations of which no VMM waits in orphaned_vmm or abandoned_vmm, VMMs that no migration names, instances that have neither; at most p_limit rows (1 to 100000) of all three. One row: how many of each. left_over: more than p_limit rows were due, so call it again. Passes over rows that other sessions have locked, and waits for nobody. Afterwards a late replay of create_instance or a begin begins anew, and a late report is not_found: let p_before lie further back than any saga or partition lasts. VM001: nulls, p_before less than 1 hour ago. */
export interface PurgeArguments {
  before: Date | string;
  limit?: number | null | undefined;
}

/** Gives an instance another name (1 to 63 characters), in any state; does not raise the generation. unchanged: it has that name. conflict: name_taken (another instance of the project that is not deleted has the name). */
export interface RenameInstanceArguments {
  instanceId: string;
  name: string;
}

/** A sled agent reports one VMM: its state, and optionally the side of a migration into it and of a migration out of it. Each part is judged by its own generation (1 to 2^53-1) and has its own outcome: applied, stale (not newer), terminal (a dead VMM or an ended side; a dead VMM whatever the generation), gone, wrong_side, not_found. A migration part that is refused never discards the VMM part. p_time and its like: when the sled saw the state. update_needed: this very report made a linked VMM or a side of the linked migration terminal, so run the update saga. VM001: nulls, a part given in pieces, the same migration in and out. 42501: the VMM is on another sled than the one the caller is bound to by bind_sled_agent; who may call fail_vmm reports for every sled. */
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

/** Many reports in one call: an array of objects whose keys are the arguments of report_vmm without p_ (absent or null where that allows it); an unknown key is refused, whatever its value. One row per element, in order, with its place from 1 and the columns of report_vmm; of several reports of one VMM, later ones are judged after earlier ones. Locks all VMMs by id, then all migrations by id. VM001 names the element that is malformed, 42501 the one whose VMM is on another sled than the caller's; nothing is written then. */
export interface ReportVmmsArguments {
  reports: unknown;
}

/** The user wants the guest rebooted: the intent becomes running, and the active VMM, if alive, is to be commanded. Legal while the instance shows starting, running, rebooting or migrating. unchanged when the intent was running already: command the VMM all the same. conflict: not_running. */
export interface RequestRebootArguments {
  instanceId: string;
}

/** The user wants the instance stopped: sets the intent, makes failed no_vmm, and names the live VMMs to command (both during a migration). Legal in every state but creating. unchanged when the intent was stopped already: command the VMMs all the same. conflict: creating. */
export interface RequestStopArguments {
  instanceId: string;
}

/** Takes away from a role what grant_access gave it for one kind, at once, also from transactions that go on. What another kind of the role needs stays, where the role has all of that kind and p_kind does not include it: control_plane includes the other two, so grant them again if they should stay. What the role has as a member of other roles stays, and so does the binding of a sled agent: bind_sled_agent ends it. unchanged: there was nothing to take away. For the owner of the schema only. VM001: no such role, the owner itself, nulls. */
export interface RevokeAccessArguments {
  role: string;
  kind: AccessKind;
}

/** Plan and commit in one call, for callers that have nothing to do in between: the columns of begin_update, with the plan that was applied. unchanged: nothing to do. conflict: locked (the unexpired lease of another saga). Terminate terminate_propolis_ids afterwards; until then they stand in vmstate.orphaned_vmm. */
export interface RunUpdateArguments {
  instanceId: string;
  sagaId: string;
}

/** Undo of an update saga: releases the updater lock and applies nothing. unchanged: this saga's lock was released already, also by its commit. conflict: lock_lost. */
export interface UnlockUpdateArguments {
  instanceId: string;
  sagaId: string;
  updaterGeneration: number;
}

/** Undo of a migrate saga: marks the destination VMM saga_unwound and both sides of the migration failed. Never writes the instance; its state goes on deriving from the active VMM. Columns state and state_generation are the destination VMM's. Call it first and only then unregister the VMM from its sled. unchanged: already unwound, or dead and unlinked. conflict: wrong_saga, handed_over (a side completed: the guest may run on the destination). */
export interface UnwindMigrationArguments {
  instanceId: string;
  sagaId: string;
  migrationId: string;
}

/** Undo of a start saga: marks its VMM saga_unwound, from any live state, and from failed or destroyed while an instance still names it (unchanged when unlinked already). Never writes the instance, so a running update keeps its generation; the instance shows stopped from then on. Call it first and only then unregister the VMM from its sled. conflict: wrong_saga (another saga created the VMM), migration_destination (use unwind_migration), handed_over (its guest has moved to another VMM). */
export interface UnwindStartArguments {
  instanceId: string;
  sagaId: string;
  propolisId: string;
}

/** Columns, in camel case, that hold points in time. */
export const TIME_COLUMNS: ReadonlySet<string> = new Set([
  "since",
  "timeApplied",
  "timeCreated",
  "timeLastAutoRestarted",
  "timeModified",
  "timeNextAutoRestart",
  "timeReported",
  "timeStateUpdated",
  "timeUnlinked",
  "updaterLeaseUntil",
]);

/** Columns, in camel case, that hold whole numbers. */
export const NUMBER_COLUMNS: ReadonlySet<string> = new Set([
  "autoRestartAttempts",
  "breakingNumber",
  "instances",
  "migrations",
  "number",
  "ordinal",
  "propolisPort",
  "stateGeneration",
  "updaterGeneration",
  "vmms",
]);

/** Columns, in camel case, that hold intervals. */
export const INTERVAL_COLUMNS: ReadonlySet<string> = new Set(["age", "autoRestartCooldown"]);
