import postgres from "postgres";
import {
  beginMigration,
  beginStart,
  beginUpdate,
  breakUpdate,
  commitUpdate,
  configureInstance,
  createInstance,
  deleteInstance,
  deleteVmm,
  explainUpdate,
  failSled,
  failSledVmms,
  failVmm,
  finishInstanceCreation,
  inheritUpdate,
  purge,
  renameInstance,
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
  type BreakUpdateArguments,
  type CommitUpdateArguments,
  type ConfigureInstanceArguments,
  type CreateInstanceArguments,
  type DeleteInstanceArguments,
  type DeleteVmmArguments,
  type ExplainUpdateArguments,
  type FailSledArguments,
  type FailSledVmmsArguments,
  type FailVmmArguments,
  type FinishInstanceCreationArguments,
  type InheritUpdateArguments,
  type RenameInstanceArguments,
  type ReportVmmArguments,
  type RequestRebootArguments,
  type RequestStopArguments,
  type RunUpdateArguments,
  type UnlockUpdateArguments,
  type UnwindMigrationArguments,
  type UnwindStartArguments,
} from "../../../src/index.js";
import type { PurgeCall } from "./model/purge.js";
import { BOOT_LOOP } from "./model/restart.js";

/** Every verb with its arguments; and what else happens to an instance: time goes by. */
export interface Arguments {
  create_instance: CreateInstanceArguments;
  finish_instance_creation: FinishInstanceCreationArguments;
  configure_instance: ConfigureInstanceArguments;
  rename_instance: RenameInstanceArguments;
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
  fail_sled_vmms: FailSledVmmsArguments;
  report_vmm: ReportVmmArguments;
  report_vmms: readonly ReportVmmArguments[];
  begin_update: BeginUpdateArguments;
  inherit_update: InheritUpdateArguments;
  commit_update: CommitUpdateArguments;
  unlock_update: UnlockUpdateArguments;
  break_update: BreakUpdateArguments;
  run_update: RunUpdateArguments;
  explain_update: ExplainUpdateArguments;
  purge: PurgeCall;
  lease_expires: { instanceId: string };
  cooldown_elapses: { instanceId: string };
  guest_runs_for_long: { instanceId: string; propolisId: string };
  boots_in_a_loop: { instanceId: string };
  a_day_goes_by: { instanceId: string };
}

export type Verb = keyof Arguments;

export type Call<V extends Verb = Verb> = { [K in V]: { verb: K; a: Arguments[K] } }[V];

const VERBS: { [V in Verb]: (sql: postgres.ISql, a: Arguments[V]) => Promise<unknown> } = {
  create_instance: createInstance,
  finish_instance_creation: finishInstanceCreation,
  configure_instance: configureInstance,
  rename_instance: renameInstance,
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
  fail_sled_vmms: failSledVmms,
  report_vmm: reportVmm,
  report_vmms: reportVmms,
  begin_update: beginUpdate,
  inherit_update: inheritUpdate,
  commit_update: commitUpdate,
  unlock_update: unlockUpdate,
  break_update: breakUpdate,
  run_update: runUpdate,
  explain_update: explainUpdate,
  purge: async (sql, { hoursAgo, limit }) =>
    await purge(sql, { before: new Date(Date.now() - hoursAgo * 3_600_000), limit }),
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
  // no guard lets anybody say that it was earlier than it was
  guest_runs_for_long: async (sql, { instanceId, propolisId }) => {
    const { count } = await sql`
      with unguarded as materialized (select set_config('session_replication_role', 'replica', true))
      update vmstate.vmm set time_started = clock_timestamp() - interval '1 hour' from unguarded
        where instance_id = ${instanceId} and id = ${propolisId} and time_started is not null`;
    return { changed: count };
  },
  boots_in_a_loop: async (sql, { instanceId }) => {
    const { count } = await sql`
      update vmstate.instance set auto_restart_attempts = ${BOOT_LOOP} where id = ${instanceId}`;
    return { changed: count };
  },
  a_day_goes_by: async (sql, { instanceId }) => {
    const [{ changed }] = await sql<[{ changed: number }]>`
      with unguarded as materialized (
        select clock_timestamp() - interval '1 day' as then, set_config('session_replication_role', 'replica', true)
      ), i as (
        update vmstate.instance set time_deleted = u.then from unguarded as u
          where id = ${instanceId} and time_deleted is not null returning id
      ), v as (
        update vmstate.vmm set time_deleted = u.then from unguarded as u
          where instance_id = ${instanceId} and time_deleted is not null returning id
      ), m as (
        update vmstate.migration set time_deleted = u.then from unguarded as u
          where instance_id = ${instanceId} and time_deleted is not null returning id
      )
      select count(*)::int as changed from (table i union all table v union all table m) as r`;
    return { changed };
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
    const code = error instanceof postgres.PostgresError ? error.code : undefined;
    const argument = /^vmstate\.\w+: invalid argument (p_\w+)$/.exec((error as Error).message)?.[1];
    if (code === "VM001" && argument !== undefined) return { code, argument };
    return { error: String(error), ...(code !== undefined && { code }) };
  }
}
