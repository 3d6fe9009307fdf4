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
  UnwindMigrationArguments,
  UnwindStartArguments,
} from "./generated.js";
import { oneRow } from "./rows.js";
import type { SqlClient } from "./sql-client.js";
import { statement } from "./statement.js";

/** Creates an instance in state `creating`. The same id in the same project again is `unchanged`. */
export function createInstance(sql: SqlClient, a: CreateInstanceArguments): Promise<CreateInstanceResult> {
  return oneRow(
    sql,
    statement`select pg_catalog.to_json(vmstate.create_instance(
    p_id => ${a.id}, p_project_id => ${a.projectId}, p_name => ${a.name}, p_intended_state => ${a.intendedState},
    p_auto_restart_policy => ${a.autoRestartPolicy ?? null},
    p_auto_restart_cooldown => ${a.autoRestartCooldown ?? null}))::pg_catalog.text`,
  );
}

/** Ends the creation of an instance: from then on it may start. */
export function finishInstanceCreation(
  sql: SqlClient,
  a: FinishInstanceCreationArguments,
): Promise<FinishInstanceCreationResult> {
  return oneRow(
    sql,
    statement`select pg_catalog.to_json(vmstate.finish_instance_creation(p_id => ${a.id}))::pg_catalog.text`,
  );
}

/** Sets both parts of the auto-restart configuration; what is left out returns to its default. */
export function configureInstance(
  sql: SqlClient,
  a: ConfigureInstanceArguments,
): Promise<ConfigureInstanceResult> {
  return oneRow(
    sql,
    statement`select pg_catalog.to_json(vmstate.configure_instance(
    p_instance_id => ${a.instanceId}, p_auto_restart_policy => ${a.autoRestartPolicy ?? null},
    p_auto_restart_cooldown => ${a.autoRestartCooldown ?? null}))::pg_catalog.text`,
  );
}

/** Gives an instance another name, in any state. `conflict`: another instance of the project has it. */
export function renameInstance(sql: SqlClient, a: RenameInstanceArguments): Promise<RenameInstanceResult> {
  return oneRow(
    sql,
    statement`select pg_catalog.to_json(vmstate.rename_instance(
    p_instance_id => ${a.instanceId}, p_name => ${a.name}))::pg_catalog.text`,
  );
}

/**
 * First step of a start saga: inserts the VMM and links it as the active one, in place of none or of a
 * `saga_unwound` one (`replacedPropolisId`). The same saga and VMM id again is `unchanged`.
 */
export function beginStart(sql: SqlClient, a: BeginStartArguments): Promise<BeginStartResult> {
  return oneRow(
    sql,
    statement`select pg_catalog.to_json(vmstate.begin_start(
    p_instance_id => ${a.instanceId}, p_saga_id => ${a.sagaId}, p_propolis_id => ${a.propolisId},
    p_sled_id => ${a.sledId}, p_propolis_ip => ${a.propolisIp}, p_propolis_port => ${a.propolisPort ?? null},
    p_start_reason => ${a.startReason ?? null}, p_expected_generation => ${a.expectedGeneration ?? null}))::pg_catalog.text`,
  );
}

/**
 * Undo of a start saga: marks its VMM `saga_unwound` and never writes the instance, which shows `stopped` from then
 * on. Call it first, and only then unregister the VMM from its sled.
 */
export function unwindStart(sql: SqlClient, a: UnwindStartArguments): Promise<UnwindStartResult> {
  return oneRow(
    sql,
    statement`select pg_catalog.to_json(vmstate.unwind_start(
    p_instance_id => ${a.instanceId}, p_saga_id => ${a.sagaId}, p_propolis_id => ${a.propolisId}))::pg_catalog.text`,
  );
}

/**
 * First step of a migrate saga: inserts the destination VMM and the migration and links both, in place of none or of
 * a `saga_unwound` destination. The same ids again are `unchanged`.
 */
export function beginMigration(sql: SqlClient, a: BeginMigrationArguments): Promise<BeginMigrationResult> {
  return oneRow(
    sql,
    statement`select pg_catalog.to_json(vmstate.begin_migration(
    p_instance_id => ${a.instanceId}, p_saga_id => ${a.sagaId}, p_migration_id => ${a.migrationId},
    p_source_propolis_id => ${a.sourcePropolisId}, p_destination_propolis_id => ${a.destinationPropolisId},
    p_sled_id => ${a.sledId}, p_propolis_ip => ${a.propolisIp}, p_propolis_port => ${a.propolisPort ?? null},
    p_expected_generation => ${a.expectedGeneration ?? null}))::pg_catalog.text`,
  );
}

/**
 * Undo of a migrate saga: marks the destination VMM `saga_unwound` and both sides of the migration `failed`, and never
 * writes the instance. Call it first, and only then unregister the VMM from its sled.
 */
export function unwindMigration(sql: SqlClient, a: UnwindMigrationArguments): Promise<UnwindMigrationResult> {
  return oneRow(
    sql,
    statement`select pg_catalog.to_json(vmstate.unwind_migration(
    p_instance_id => ${a.instanceId}, p_saga_id => ${a.sagaId}, p_migration_id => ${a.migrationId}))::pg_catalog.text`,
  );
}

/** The user wants the instance stopped. Command `commandPropolisIds`, also when the intent is `unchanged`. */
export function requestStop(sql: SqlClient, a: RequestStopArguments): Promise<RequestStopResult> {
  return oneRow(
    sql,
    statement`select pg_catalog.to_json(vmstate.request_stop(p_instance_id => ${a.instanceId}))::pg_catalog.text`,
  );
}

/** The user wants the guest rebooted. Command `commandPropolisIds`, also when the intent is `unchanged`. */
export function requestReboot(sql: SqlClient, a: RequestRebootArguments): Promise<RequestRebootResult> {
  return oneRow(
    sql,
    statement`select pg_catalog.to_json(vmstate.request_reboot(p_instance_id => ${a.instanceId}))::pg_catalog.text`,
  );
}

/** Soft-deletes an instance that shows `creating`, `stopped` or `failed`. */
export function deleteInstance(sql: SqlClient, a: DeleteInstanceArguments): Promise<DeleteInstanceResult> {
  return oneRow(
    sql,
    statement`select pg_catalog.to_json(vmstate.delete_instance(p_instance_id => ${a.instanceId}))::pg_catalog.text`,
  );
}

/** Soft-deletes a dead VMM that no instance names: one of the work list `abandoned_vmm`. */
export function deleteVmm(sql: SqlClient, a: DeleteVmmArguments): Promise<DeleteVmmResult> {
  return oneRow(
    sql,
    statement`select pg_catalog.to_json(vmstate.delete_vmm(
    p_instance_id => ${a.instanceId}, p_propolis_id => ${a.propolisId}))::pg_catalog.text`,
  );
}
