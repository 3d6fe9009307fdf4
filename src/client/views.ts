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
import { manyRows } from "./rows.js";
import type { SqlClient } from "./sql-client.js";
import { statement } from "./statement.js";

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
  const rows = await manyRows<ApiInstanceRow>(
    sql,
    statement`select pg_catalog.row_to_json(r)::pg_catalog.text from vmstate.api_instance as r
    where r.id operator(pg_catalog.=) ${a.instanceId}`,
  );
  return rows[0];
}

/** The instances of a project as the API shows them, by name. */
export function apiInstances(sql: SqlClient, a: { projectId: string } & Limit): Promise<ApiInstanceRow[]> {
  return manyRows(
    sql,
    statement`select pg_catalog.row_to_json(r)::pg_catalog.text from vmstate.api_instance as r
    where r.project_id operator(pg_catalog.=) ${a.projectId} order by r.name limit ${a.limit ?? null}`,
  );
}

/** The VMMs of an instance as the API shows them, oldest first. */
export function apiVmms(sql: SqlClient, a: { instanceId: string }): Promise<ApiVmmRow[]> {
  return manyRows(
    sql,
    statement`select pg_catalog.row_to_json(r)::pg_catalog.text from vmstate.api_vmm as r
    where r.instance_id operator(pg_catalog.=) ${a.instanceId} order by r.time_created, r.id`,
  );
}

/** Work list of the update saga: run {@link runUpdate} or {@link beginUpdate} on each. */
export function pendingUpdates(sql: SqlClient, a: Limit = {}): Promise<PendingUpdateRow[]> {
  return manyRows(
    sql,
    statement`select pg_catalog.row_to_json(r)::pg_catalog.text
    from vmstate.pending_update as r limit ${a.limit ?? null}`,
  );
}

/** Dead VMMs that no instance names: {@link deleteVmm} each. */
export function abandonedVmms(sql: SqlClient, a: Limit = {}): Promise<AbandonedVmmRow[]> {
  return manyRows(
    sql,
    statement`select pg_catalog.row_to_json(r)::pg_catalog.text
    from vmstate.abandoned_vmm as r limit ${a.limit ?? null}`,
  );
}

/** Live VMMs that no instance names: terminate each on its sled, unless it is expected to end. */
export function orphanedVmms(sql: SqlClient, a: Limit = {}): Promise<OrphanedVmmRow[]> {
  return manyRows(
    sql,
    statement`select pg_catalog.row_to_json(r)::pg_catalog.text
    from vmstate.orphaned_vmm as r limit ${a.limit ?? null}`,
  );
}

/** Instances that should run, do not, and may be restarted now: {@link beginStart} with `auto_restart`. */
export function restartableInstances(sql: SqlClient, a: Limit = {}): Promise<RestartableInstanceRow[]> {
  return manyRows(
    sql,
    statement`select pg_catalog.row_to_json(r)::pg_catalog.text
    from vmstate.restartable_instance as r limit ${a.limit ?? null}`,
  );
}

/** Every VMM that a sled should know of: ask the sled agents about them. */
export function watchedVmms(sql: SqlClient, a: Limit = {}): Promise<WatchedVmmRow[]> {
  return manyRows(
    sql,
    statement`select pg_catalog.row_to_json(r)::pg_catalog.text
    from vmstate.watched_vmm as r limit ${a.limit ?? null}`,
  );
}

/** Instances without any news for too long in a state that should pass, and what each waits for. */
export function stuckInstances(sql: SqlClient, a: Limit = {}): Promise<StuckInstanceRow[]> {
  return manyRows(
    sql,
    statement`select pg_catalog.row_to_json(r)::pg_catalog.text
    from vmstate.stuck_instance as r limit ${a.limit ?? null}`,
  );
}

/** What must never be. Reads whole tables. */
export function invariantViolations(sql: SqlClient, a: Limit = {}): Promise<InvariantViolationRow[]> {
  return manyRows(
    sql,
    statement`select pg_catalog.row_to_json(r)::pg_catalog.text
    from vmstate.invariant_violation as r limit ${a.limit ?? null}`,
  );
}
