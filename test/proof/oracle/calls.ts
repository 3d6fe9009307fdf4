import postgres from "postgres";
import {
  beginMigration,
  beginStart,
  beginUpdate,
  commitUpdate,
  configureInstance,
  createInstance,
  deleteInstance,
  deleteVmm,
  explainUpdate,
  failSled,
  failVmm,
  finishInstanceCreation,
  inheritUpdate,
  reportVmm,
  reportVmms,
  requestReboot,
  requestStop,
  runUpdate,
  unlockUpdate,
  unwindMigration,
  unwindStart,
  type BeginMigrationArguments,
  type BeginStartArguments,
  type BeginUpdateArguments,
  type CommitUpdateArguments,
  type ConfigureInstanceArguments,
  type CreateInstanceArguments,
  type DeleteInstanceArguments,
  type DeleteVmmArguments,
  type ExplainUpdateArguments,
  type FailSledArguments,
  type FailVmmArguments,
  type FinishInstanceCreationArguments,
  type InheritUpdateArguments,
  type ReportVmmArguments,
  type RequestRebootArguments,
  type RequestStopArguments,
  type RunUpdateArguments,
  type SqlClient,
  type UnlockUpdateArguments,
  type UnwindMigrationArguments,
  type UnwindStartArguments,
} from "../../../src/index.js";

/** Every verb with its arguments; and what else happens to an instance: time goes by. */
export interface Arguments {
  create_instance: CreateInstanceArguments;
  finish_instance_creation: FinishInstanceCreationArguments;
  configure_instance: ConfigureInstanceArguments;
  begin_start: BeginStartArguments;
  unwind_start: UnwindStartArguments;
  begin_migration: BeginMigrationArguments;
  unwind_migration: UnwindMigrationArguments;
  request_stop: RequestStopArguments;
  request_reboot: RequestRebootArguments;
  delete_instance: DeleteInstanceArguments;
  delete_vmm: DeleteVmmArguments;
  fail_vmm: FailVmmArguments;
  fail_sled: FailSledArguments;
  report_vmm: ReportVmmArguments;
  report_vmms: readonly ReportVmmArguments[];
  begin_update: BeginUpdateArguments;
  inherit_update: InheritUpdateArguments;
  commit_update: CommitUpdateArguments;
  unlock_update: UnlockUpdateArguments;
  run_update: RunUpdateArguments;
  explain_update: ExplainUpdateArguments;
  lease_expires: { instanceId: string };
  cooldown_elapses: { instanceId: string };
}

export type Verb = keyof Arguments;

export type Call<V extends Verb = Verb> = { [K in V]: { verb: K; a: Arguments[K] } }[V];

const VERBS: { [V in Verb]: (sql: SqlClient, a: Arguments[V]) => Promise<unknown> } = {
  create_instance: createInstance,
  finish_instance_creation: finishInstanceCreation,
  configure_instance: configureInstance,
  begin_start: beginStart,
  unwind_start: unwindStart,
  begin_migration: beginMigration,
  unwind_migration: unwindMigration,
  request_stop: requestStop,
  request_reboot: requestReboot,
  delete_instance: deleteInstance,
  delete_vmm: deleteVmm,
  fail_vmm: failVmm,
  fail_sled: failSled,
  report_vmm: reportVmm,
  report_vmms: reportVmms,
  begin_update: beginUpdate,
  inherit_update: inheritUpdate,
  commit_update: commitUpdate,
  unlock_update: unlockUpdate,
  run_update: runUpdate,
  explain_update: explainUpdate,
  lease_expires: async (sql, { instanceId }) => {
    const { count } = await sql`
      update vmstate.instance set updater_lease_until = clock_timestamp() - interval '1 hour'
        where id = ${instanceId} and updater_lease_until is not null`;
    return { changed: count };
  },
  cooldown_elapses: async (sql, { instanceId }) => {
    const { count } = await sql`
      update vmstate.instance set time_last_auto_restarted = clock_timestamp() - interval '1 hour'
        where id = ${instanceId} and time_last_auto_restarted is not null`;
    return { changed: count };
  },
};

/** What the database answers: rows as `rows`, an exception as `error`. */
export async function perform<V extends Verb>(
  sql: postgres.ISql,
  { verb, a }: Call<V>,
): Promise<Record<string, unknown>> {
  try {
    const answer = await VERBS[verb](sql, a);
    return Array.isArray(answer) ? { rows: answer } : { ...(answer as object) };
  } catch (error) {
    return { error: String(error), ...(error instanceof postgres.PostgresError && { code: error.code }) };
  }
}
