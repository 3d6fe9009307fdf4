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
import type { SqlClient } from "./rows.js";
import { viewRows } from "./view-rows.js";

/** How much of a work list to read. */
export interface Limit {
  /** At most so many rows. Default: all. */
  limit?: number | undefined;
}

/** The instance as the API shows it, or undefined when it does not exist or is deleted. */
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

/** The instances of a project as the API shows them, by name. */
export function apiInstances(sql: SqlClient, a: { projectId: string } & Limit): Promise<ApiInstanceRow[]> {
  return viewRows<ApiInstanceRow>(
    sql,
    "api_instance",
  )`where r.project_id operator(pg_catalog.=) ${a.projectId} order by r.name limit ${a.limit ?? null}`;
}

/** The VMMs of an instance as the API shows them, oldest first. */
export function apiVmms(sql: SqlClient, a: { instanceId: string }): Promise<ApiVmmRow[]> {
  return viewRows<ApiVmmRow>(
    sql,
    "api_vmm",
  )`where r.instance_id operator(pg_catalog.=) ${a.instanceId} order by r.time_created, r.id`;
}

/** Work list of the update saga: run {@link runUpdate} or {@link beginUpdate} on each. */
export function pendingUpdates(sql: SqlClient, a: Limit = {}): Promise<PendingUpdateRow[]> {
  return viewRows<PendingUpdateRow>(sql, "pending_update")`limit ${a.limit ?? null}`;
}

/** Dead VMMs that no instance names: {@link deleteVmm} each. */
export function abandonedVmms(sql: SqlClient, a: Limit = {}): Promise<AbandonedVmmRow[]> {
  return viewRows<AbandonedVmmRow>(sql, "abandoned_vmm")`limit ${a.limit ?? null}`;
}

/** Live VMMs that no instance names: terminate each on its sled, unless it is expected to end. */
export function orphanedVmms(sql: SqlClient, a: Limit = {}): Promise<OrphanedVmmRow[]> {
  return viewRows<OrphanedVmmRow>(sql, "orphaned_vmm")`limit ${a.limit ?? null}`;
}

/** Instances that should run, do not, and may be restarted now: {@link beginStart} with `auto_restart`. */
export function restartableInstances(sql: SqlClient, a: Limit = {}): Promise<RestartableInstanceRow[]> {
  return viewRows<RestartableInstanceRow>(sql, "restartable_instance")`limit ${a.limit ?? null}`;
}

/** Every VMM that a sled should know of: ask the sled agents about them. */
export function watchedVmms(sql: SqlClient, a: Limit = {}): Promise<WatchedVmmRow[]> {
  return viewRows<WatchedVmmRow>(sql, "watched_vmm")`limit ${a.limit ?? null}`;
}

/** Instances without any news for too long in a state that should pass, and what each waits for. */
export function stuckInstances(sql: SqlClient, a: Limit = {}): Promise<StuckInstanceRow[]> {
  return viewRows<StuckInstanceRow>(sql, "stuck_instance")`limit ${a.limit ?? null}`;
}

/** What must never be. Reads whole tables. */
export function invariantViolations(sql: SqlClient, a: Limit = {}): Promise<InvariantViolationRow[]> {
  return viewRows<InvariantViolationRow>(sql, "invariant_violation")`limit ${a.limit ?? null}`;
}
