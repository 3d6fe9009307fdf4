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
import { requireArguments } from "./arguments.js";
import type { SqlClient } from "./sql-client.js";
import { viewRows } from "./view-rows.js";

const LIMIT = { limit: "number?" };
const BY_INSTANCE = { instanceId: "id" };
const BY_PROJECT = { projectId: "id", ...LIMIT };

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
  requireArguments("apiInstance", a, BY_INSTANCE);
  const rows = await viewRows<ApiInstanceRow>(
    sql,
    "apiInstance",
    "api_instance",
  )`where r.id operator(pg_catalog.=) ${a.instanceId}`;
  return rows[0];
}

/** Lists the instances of a project as the API shows them, by name. */
export async function apiInstances(
  sql: SqlClient,
  a: { projectId: string } & Limit,
): Promise<ApiInstanceRow[]> {
  requireArguments("apiInstances", a, BY_PROJECT);
  return await viewRows<ApiInstanceRow>(
    sql,
    "apiInstances",
    "api_instance",
  )`where r.project_id operator(pg_catalog.=) ${a.projectId} order by r.name limit ${a.limit ?? null}`;
}

/** Lists the VMMs of an instance as the API shows them, oldest first. */
export async function apiVmms(sql: SqlClient, a: { instanceId: string }): Promise<ApiVmmRow[]> {
  requireArguments("apiVmms", a, BY_INSTANCE);
  return await viewRows<ApiVmmRow>(
    sql,
    "apiVmms",
    "api_vmm",
  )`where r.instance_id operator(pg_catalog.=) ${a.instanceId} order by r.time_created, r.id`;
}

/**
 * Lists instances that need an update: run the update saga on each.
 *
 * That is {@link runUpdate} or {@link beginUpdate}.
 */
export async function pendingUpdates(sql: SqlClient, a: Limit = {}): Promise<PendingUpdateRow[]> {
  requireArguments("pendingUpdates", a, LIMIT);
  return await viewRows<PendingUpdateRow>(sql, "pendingUpdates", "pending_update")`limit ${a.limit ?? null}`;
}

/** Lists dead VMMs that no instance names: {@link deleteVmm} each. */
export async function abandonedVmms(sql: SqlClient, a: Limit = {}): Promise<AbandonedVmmRow[]> {
  requireArguments("abandonedVmms", a, LIMIT);
  return await viewRows<AbandonedVmmRow>(sql, "abandonedVmms", "abandoned_vmm")`limit ${a.limit ?? null}`;
}

/**
 * Lists live VMMs that no instance names: terminate each on its sled.
 *
 * A VMM that is expected to end does so by itself.
 */
export async function orphanedVmms(sql: SqlClient, a: Limit = {}): Promise<OrphanedVmmRow[]> {
  requireArguments("orphanedVmms", a, LIMIT);
  return await viewRows<OrphanedVmmRow>(sql, "orphanedVmms", "orphaned_vmm")`limit ${a.limit ?? null}`;
}

/**
 * Lists instances that should run, do not run, and may be restarted now.
 *
 * Call {@link beginStart} with `auto_restart` on each.
 */
export async function restartableInstances(sql: SqlClient, a: Limit = {}): Promise<RestartableInstanceRow[]> {
  requireArguments("restartableInstances", a, LIMIT);
  return await viewRows<RestartableInstanceRow>(
    sql,
    "restartableInstances",
    "restartable_instance",
  )`limit ${a.limit ?? null}`;
}

/** Lists every VMM that a sled should know of: ask the sled agents about them. */
export async function watchedVmms(sql: SqlClient, a: Limit = {}): Promise<WatchedVmmRow[]> {
  requireArguments("watchedVmms", a, LIMIT);
  return await viewRows<WatchedVmmRow>(sql, "watchedVmms", "watched_vmm")`limit ${a.limit ?? null}`;
}

/** Lists instances without news in a transitional state, and what they wait for. */
export async function stuckInstances(sql: SqlClient, a: Limit = {}): Promise<StuckInstanceRow[]> {
  requireArguments("stuckInstances", a, LIMIT);
  return await viewRows<StuckInstanceRow>(sql, "stuckInstances", "stuck_instance")`limit ${a.limit ?? null}`;
}

/**
 * Lists rows that break an invariant; a sound database has none.
 *
 * Reads whole tables.
 */
export async function invariantViolations(sql: SqlClient, a: Limit = {}): Promise<InvariantViolationRow[]> {
  requireArguments("invariantViolations", a, LIMIT);
  return await viewRows<InvariantViolationRow>(
    sql,
    "invariantViolations",
    "invariant_violation",
  )`limit ${a.limit ?? null}`;
}
