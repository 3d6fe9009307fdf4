import type {
  AbandonedVmmRow,
  ApiInstanceRow,
  ApiVmmRow,
  InvariantViolationRow,
  OrphanedVmmRow,
  PendingUpdateRow,
  RestartableInstanceRow,
  StuckInstanceRow,
  WatchedVmmRow,
} from "./generated.js";
import type { SqlClient } from "./sql-client.js";
import { viewRows } from "./view-rows.js";

/** How much of a work list to read. */
export interface Limit {
  /** At most so many rows. Default: all. */
  limit?: number | undefined;
}

/**
 * Reads an instance as the API shows it.
 *
 * Undefined when the instance does not exist or is deleted.
 */
export async function apiInstance(
  sql: SqlClient,
  a: { instanceId: string },
): Promise<ApiInstanceRow | undefined> {
  const rows = await viewRows<ApiInstanceRow>(
    sql,
    "api_instance",
  )`where r.id operator(pg_catalog.=) ${a.instanceId}`;
  return rows[0];
}

/** Lists the instances of a project as the API shows them, by name. */
export function apiInstances(sql: SqlClient, a: { projectId: string } & Limit): Promise<ApiInstanceRow[]> {
  return viewRows<ApiInstanceRow>(
    sql,
    "api_instance",
  )`where r.project_id operator(pg_catalog.=) ${a.projectId} order by r.name limit ${a.limit ?? null}`;
}

/** Lists the VMMs of an instance as the API shows them, oldest first. */
export function apiVmms(sql: SqlClient, a: { instanceId: string }): Promise<ApiVmmRow[]> {
  return viewRows<ApiVmmRow>(
    sql,
    "api_vmm",
  )`where r.instance_id operator(pg_catalog.=) ${a.instanceId} order by r.time_created, r.id`;
}

/**
 * Lists instances that need an update: run the update saga on each.
 *
 * That is {@link runUpdate} or {@link beginUpdate}.
 */
export function pendingUpdates(sql: SqlClient, a: Limit = {}): Promise<PendingUpdateRow[]> {
  return viewRows<PendingUpdateRow>(sql, "pending_update")`limit ${a.limit ?? null}`;
}

/** Lists dead VMMs that no instance names: {@link deleteVmm} each. */
export function abandonedVmms(sql: SqlClient, a: Limit = {}): Promise<AbandonedVmmRow[]> {
  return viewRows<AbandonedVmmRow>(sql, "abandoned_vmm")`limit ${a.limit ?? null}`;
}

/**
 * Lists live VMMs that no instance names: terminate each on its sled.
 *
 * A VMM that is expected to end does so by itself.
 */
export function orphanedVmms(sql: SqlClient, a: Limit = {}): Promise<OrphanedVmmRow[]> {
  return viewRows<OrphanedVmmRow>(sql, "orphaned_vmm")`limit ${a.limit ?? null}`;
}

/**
 * Lists instances that should run, do not run, and may be restarted now.
 *
 * Call {@link beginStart} with `auto_restart` on each.
 */
export function restartableInstances(sql: SqlClient, a: Limit = {}): Promise<RestartableInstanceRow[]> {
  return viewRows<RestartableInstanceRow>(sql, "restartable_instance")`limit ${a.limit ?? null}`;
}

/** Lists every VMM that a sled should know of: ask the sled agents about them. */
export function watchedVmms(sql: SqlClient, a: Limit = {}): Promise<WatchedVmmRow[]> {
  return viewRows<WatchedVmmRow>(sql, "watched_vmm")`limit ${a.limit ?? null}`;
}

/** Lists instances without news in a transitional state, and what they wait for. */
export function stuckInstances(sql: SqlClient, a: Limit = {}): Promise<StuckInstanceRow[]> {
  return viewRows<StuckInstanceRow>(sql, "stuck_instance")`limit ${a.limit ?? null}`;
}

/**
 * Lists rows that break an invariant; a sound database has none.
 *
 * Reads whole tables.
 */
export function invariantViolations(sql: SqlClient, a: Limit = {}): Promise<InvariantViolationRow[]> {
  return viewRows<InvariantViolationRow>(sql, "invariant_violation")`limit ${a.limit ?? null}`;
}
