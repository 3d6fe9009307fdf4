import type { BreakUpdateResult, FailedVmm, FailVmmResult, PurgeResult } from "./results.js";
import type {
  BreakUpdateArguments,
  FailSledArguments,
  FailSledVmmsArguments,
  FailVmmArguments,
  PurgeArguments,
} from "./generated.js";
import { arrayText, timeText } from "./parameters.js";
import { callForRow, callForRows } from "./call.js";
import type { SqlClient } from "./sql-client.js";
import { statement } from "./statement.js";

/** Declares a VMM dead: it becomes `failed`. `expectedGeneration` is the VMM's. */
export function failVmm(sql: SqlClient, a: FailVmmArguments): Promise<FailVmmResult> {
  return callForRow(
    sql,
    "failVmm",
    a,
    () => statement`select pg_catalog.to_json(vmstate.fail_vmm(
    p_instance_id => ${a.instanceId}, p_propolis_id => ${a.propolisId}, p_reason => ${a.reason},
    p_expected_generation => ${a.expectedGeneration ?? null}))::pg_catalog.text`,
  );
}

/**
 * Declares a host dead: every live VMM on the sled becomes `failed`.
 *
 * Answers a row for each VMM that the call failed.
 */
export function failSled(sql: SqlClient, a: FailSledArguments): Promise<FailedVmm[]> {
  return callForRows(
    sql,
    "failSled",
    a,
    () => statement`select pg_catalog.row_to_json(r)::pg_catalog.text from vmstate.fail_sled(
    p_sled_id => ${a.sledId}, p_reason => ${a.reason}) as r`,
  );
}

/**
 * Fails the VMMs that a rebooted host has lost, and no VMM that started since.
 *
 * Of the listed VMMs, those that are alive and on the sled become `failed`. Answers a row for each VMM that the call
 * failed.
 */
export function failSledVmms(sql: SqlClient, a: FailSledVmmsArguments): Promise<FailedVmm[]> {
  return callForRows(
    sql,
    "failSledVmms",
    a,
    () => statement`select pg_catalog.row_to_json(r)::pg_catalog.text from vmstate.fail_sled_vmms(
    p_sled_id => ${a.sledId}, p_propolis_ids => ${arrayText(a.propolisIds)}::pg_catalog.text::pg_catalog.uuid[], p_reason => ${a.reason}) as r`,
  );
}

/**
 * Ends the updater lock that `updaterGeneration` names, whichever saga holds it.
 *
 * {@link explainUpdate} shows the lock. The holder's commit is then `lock_lost`. `reason` goes to the server's log.
 */
export function breakUpdate(sql: SqlClient, a: BreakUpdateArguments): Promise<BreakUpdateResult> {
  return callForRow(
    sql,
    "breakUpdate",
    a,
    () => statement`select pg_catalog.to_json(vmstate.break_update(
    p_instance_id => ${a.instanceId}, p_updater_generation => ${a.updaterGeneration}, p_reason => ${a.reason}))::pg_catalog.text`,
  );
}

/**
 * Hard-deletes soft-deleted rows that no other row needs any more.
 *
 * Deletes migrations, VMMs and instances that were deleted before `before`: at most `limit` rows of all three (default
 * 1,000). Call it again while `leftOver`.
 */
export function purge(sql: SqlClient, a: PurgeArguments): Promise<PurgeResult> {
  return callForRow(
    sql,
    "purge",
    a,
    () => statement`select pg_catalog.row_to_json(r)::pg_catalog.text from vmstate.purge(
    p_before => ${timeText(a.before)}::pg_catalog.text::pg_catalog.timestamptz, p_limit => ${a.limit ?? 1000}) as r`,
  );
}
