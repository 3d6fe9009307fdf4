import type {
  BeginMigrationResult,
  BeginStartResult,
  ConfigureInstanceResult,
  CreateInstanceResult,
  DeleteInstanceResult,
  DeleteVmmResult,
  FinishInstanceCreationResult,
  RenameInstanceResult,
  RequestRebootResult,
  RequestStopResult,
  SettleResult,
  UnwindMigrationResult,
  UnwindStartResult,
} from "./results.js";
import type {
  BeginMigrationArguments,
  BeginStartArguments,
  ConfigureInstanceArguments,
  CreateInstanceArguments,
  DeleteInstanceArguments,
  DeleteVmmArguments,
  FinishInstanceCreationArguments,
  RenameInstanceArguments,
  RequestRebootArguments,
  RequestStopArguments,
  SettleArguments,
  UnwindMigrationArguments,
  UnwindStartArguments,
} from "./generated.js";
import { callForRow } from "./call.js";
import { withInstanceId } from "./instance-id.js";
import { timeText } from "./parameters.js";
import type { SqlClient } from "./sql-client.js";
import { statement } from "./statement.js";

/**
 * Creates an instance in state `creating`.
 *
 * `unchanged`: an instance with this id is in this project already.
 */
export async function createInstance(
  sql: SqlClient,
  given: CreateInstanceArguments,
): Promise<CreateInstanceResult> {
  const a = withInstanceId("createInstance", given);
  return await callForRow(
    sql,
    "createInstance",
    a,
    () => statement`select pg_catalog.to_json(vmstate.create_instance(
    p_id => ${a.instanceId}, p_project_id => ${a.projectId}, p_name => ${a.name}, p_intended_state => ${a.intendedState},
    p_auto_restart_policy => ${a.autoRestartPolicy ?? null},
    p_auto_restart_cooldown => ${a.autoRestartCooldown ?? null}))::pg_catalog.text`,
  );
}

/** Ends the creation of an instance: from then on it may start. */
export async function finishInstanceCreation(
  sql: SqlClient,
  given: FinishInstanceCreationArguments,
): Promise<FinishInstanceCreationResult> {
  const a = withInstanceId("finishInstanceCreation", given);
  return await callForRow(
    sql,
    "finishInstanceCreation",
    a,
    () =>
      statement`select pg_catalog.to_json(vmstate.finish_instance_creation(p_id => ${a.instanceId}))::pg_catalog.text`,
  );
}

/**
 * Sets both parts of the auto-restart configuration.
 *
 * A part that is left out returns to its default.
 */
export function configureInstance(
  sql: SqlClient,
  a: ConfigureInstanceArguments,
): Promise<ConfigureInstanceResult> {
  return callForRow(
    sql,
    "configureInstance",
    a,
    () => statement`select pg_catalog.to_json(vmstate.configure_instance(
    p_instance_id => ${a.instanceId}, p_auto_restart_policy => ${a.autoRestartPolicy ?? null},
    p_auto_restart_cooldown => ${a.autoRestartCooldown ?? null}))::pg_catalog.text`,
  );
}

/**
 * Gives an instance another name, in any state.
 *
 * `conflict`: another instance of the project has the name.
 */
export function renameInstance(sql: SqlClient, a: RenameInstanceArguments): Promise<RenameInstanceResult> {
  return callForRow(
    sql,
    "renameInstance",
    a,
    () => statement`select pg_catalog.to_json(vmstate.rename_instance(
    p_instance_id => ${a.instanceId}, p_name => ${a.name}))::pg_catalog.text`,
  );
}

/**
 * Inserts a VMM and links it as the active VMM: first step of a start saga.
 *
 * The VMM takes the place of none, or of a `saga_unwound` one (`replacedPropolisId`). `unchanged`: this saga began
 * this start before.
 */
export function beginStart(sql: SqlClient, a: BeginStartArguments): Promise<BeginStartResult> {
  return callForRow(
    sql,
    "beginStart",
    a,
    () => statement`select pg_catalog.to_json(vmstate.begin_start(
    p_instance_id => ${a.instanceId}, p_saga_id => ${a.sagaId}, p_propolis_id => ${a.propolisId},
    p_sled_id => ${a.sledId}, p_propolis_ip => ${a.propolisIp}, p_propolis_port => ${a.propolisPort ?? null},
    p_start_reason => ${a.startReason ?? null}, p_expected_generation => ${a.expectedGeneration ?? null}))::pg_catalog.text`,
  );
}

/**
 * Marks the VMM of a start saga `saga_unwound`: undo of the start saga.
 *
 * Never writes the instance, which shows `stopped` from then on. Call `unwindStart` first, and only then unregister
 * the VMM from its sled.
 */
export function unwindStart(sql: SqlClient, a: UnwindStartArguments): Promise<UnwindStartResult> {
  return callForRow(
    sql,
    "unwindStart",
    a,
    () => statement`select pg_catalog.to_json(vmstate.unwind_start(
    p_instance_id => ${a.instanceId}, p_saga_id => ${a.sagaId}, p_propolis_id => ${a.propolisId}))::pg_catalog.text`,
  );
}

/**
 * Inserts and links a destination VMM and a migration: begins a migrate saga.
 *
 * The destination VMM takes the place of none, or of a `saga_unwound` one. `unchanged`: this saga began this migration
 * before.
 */
export function beginMigration(sql: SqlClient, a: BeginMigrationArguments): Promise<BeginMigrationResult> {
  return callForRow(
    sql,
    "beginMigration",
    a,
    () => statement`select pg_catalog.to_json(vmstate.begin_migration(
    p_instance_id => ${a.instanceId}, p_saga_id => ${a.sagaId}, p_migration_id => ${a.migrationId},
    p_source_propolis_id => ${a.sourcePropolisId}, p_destination_propolis_id => ${a.destinationPropolisId},
    p_sled_id => ${a.sledId}, p_propolis_ip => ${a.propolisIp}, p_propolis_port => ${a.propolisPort ?? null},
    p_expected_generation => ${a.expectedGeneration ?? null}))::pg_catalog.text`,
  );
}

/**
 * Marks the destination VMM `saga_unwound`: undo of a migrate saga.
 *
 * Both sides of the migration become `failed`; the instance is never written. Call `unwindMigration` first, and only
 * then unregister the VMM from its sled.
 */
export function unwindMigration(sql: SqlClient, a: UnwindMigrationArguments): Promise<UnwindMigrationResult> {
  return callForRow(
    sql,
    "unwindMigration",
    a,
    () => statement`select pg_catalog.to_json(vmstate.unwind_migration(
    p_instance_id => ${a.instanceId}, p_saga_id => ${a.sagaId}, p_migration_id => ${a.migrationId}))::pg_catalog.text`,
  );
}

/**
 * Records that the user wants the instance stopped.
 *
 * Command the VMMs in `commandVmms`, which says where they are, also when the outcome is `unchanged`.
 */
export function requestStop(sql: SqlClient, a: RequestStopArguments): Promise<RequestStopResult> {
  return callForRow(
    sql,
    "requestStop",
    a,
    () =>
      statement`select pg_catalog.to_json(vmstate.request_stop(p_instance_id => ${a.instanceId}))::pg_catalog.text`,
  );
}

/**
 * Answers which VMMs to command when the user wants the guest rebooted.
 *
 * Command the VMMs in `commandVmms`, which says where they are, also when the outcome is `unchanged`.
 */
export function requestReboot(sql: SqlClient, a: RequestRebootArguments): Promise<RequestRebootResult> {
  return callForRow(
    sql,
    "requestReboot",
    a,
    () =>
      statement`select pg_catalog.to_json(vmstate.request_reboot(p_instance_id => ${a.instanceId}))::pg_catalog.text`,
  );
}

/** Soft-deletes an instance that shows `creating`, `stopped` or `failed`. */
export function deleteInstance(sql: SqlClient, a: DeleteInstanceArguments): Promise<DeleteInstanceResult> {
  return callForRow(
    sql,
    "deleteInstance",
    a,
    () =>
      statement`select pg_catalog.to_json(vmstate.delete_instance(p_instance_id => ${a.instanceId}))::pg_catalog.text`,
  );
}

/**
 * Records that a VMM has ended, updates its instance and deletes the VMM, in one call.
 *
 * For a control plane that has no network to move and nothing else to do in between: otherwise use {@link reportVmm},
 * {@link beginUpdate} and {@link deleteVmm}. Each part has an outcome of its own; a report that is stale or not terminal has
 * no update and no deletion. Terminate the VMMs in `terminateVmms` afterwards.
 */
export function settle(sql: SqlClient, a: SettleArguments): Promise<SettleResult> {
  return callForRow(
    sql,
    "settle",
    a,
    () => statement`select pg_catalog.to_json(vmstate.settle(
    p_instance_id => ${a.instanceId}, p_propolis_id => ${a.propolisId}, p_saga_id => ${a.sagaId},
    p_state => ${a.state}, p_generation => ${a.generation},
    p_time => ${timeText(a.time)}::pg_catalog.text::pg_catalog.timestamptz,
    p_delete => ${a.delete ?? null}::pg_catalog.text::pg_catalog.bool))::pg_catalog.text`,
  );
}

/**
 * Soft-deletes a dead VMM that no instance names.
 *
 * The work list `abandoned_vmm` has these VMMs.
 */
export function deleteVmm(sql: SqlClient, a: DeleteVmmArguments): Promise<DeleteVmmResult> {
  return callForRow(
    sql,
    "deleteVmm",
    a,
    () => statement`select pg_catalog.to_json(vmstate.delete_vmm(
    p_instance_id => ${a.instanceId}, p_propolis_id => ${a.propolisId}))::pg_catalog.text`,
  );
}
