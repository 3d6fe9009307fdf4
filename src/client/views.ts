import type {
  AbandonedVmmRow,
  ApiInstanceRow,
  ApiInstanceState,
  ApiMigrationRow,
  ApiVmmRow,
  InstanceDetailRow,
  InvariantViolationRow,
  OrphanedVmmRow,
  PendingUpdateRow,
  RestartableInstanceRow,
  SilentSledRow,
  StuckInstanceRow,
  WatchedVmmRow,
} from "./generated.js";
import { requireArguments } from "./arguments.js";
import { timeText } from "./parameters.js";
import type { SqlClient } from "./sql-client.js";
import { type ReadRows, viewRows } from "./view-rows.js";

// What each function takes, in the form that requireArguments reads; a question mark: may be left out.
const LIMIT = { limit: "number?" };
const PAGE = { after: "text?", ...LIMIT };
const BY_INSTANCE = { instanceId: "id" };
const OF_INSTANCE = { ...BY_INSTANCE, after: "id?", ...LIMIT };
const OF_SLED = { sledId: "id", after: "id?", ...LIMIT };
const OF_PROJECT = { projectId: "id", state: "text?", ...PAGE };
const BY_MIGRATION = { migrationId: "id", instanceId: "id?" };

/** How much of a list to read. */
export interface Limit {
  /** At most so many rows. Default: all. */
  limit?: number | undefined;
}

/** Which page of a list to read. */
export interface Page extends Limit {
  /** The rows behind this one: the key by which the list is sorted, of the last row of the page before. Default: the first. */
  after?: string | null | undefined;
}

/** Which instances of a project to list. */
export interface ProjectInstances extends Page {
  projectId: string;
  /** Only those that the API shows in this state. Default: all. */
  state?: ApiInstanceState | null | undefined;
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

/**
 * Lists the instances of a project as the API shows them, by name.
 *
 * `after` is a name. An instance that is renamed between two pages may be on both, or on neither.
 */
export async function apiInstances(sql: SqlClient, a: ProjectInstances): Promise<ApiInstanceRow[]> {
  requireArguments("apiInstances", a, OF_PROJECT);
  return await pageOfProject(viewRows<ApiInstanceRow>(sql, "apiInstances", "api_instance"), a);
}

/**
 * Reads an instance with its VMMs, their sleds and addresses, and its migration.
 *
 * Undefined when the instance does not exist or is deleted.
 */
export async function instanceDetail(
  sql: SqlClient,
  a: { instanceId: string },
): Promise<InstanceDetailRow | undefined> {
  requireArguments("instanceDetail", a, BY_INSTANCE);
  const rows = await viewRows<InstanceDetailRow>(
    sql,
    "instanceDetail",
    "instance_detail",
  )`where r.id operator(pg_catalog.=) ${a.instanceId}`;
  return rows[0];
}

/** Lists the instances of a project like {@link apiInstances}, each as {@link instanceDetail} shows it. */
export async function instanceDetails(sql: SqlClient, a: ProjectInstances): Promise<InstanceDetailRow[]> {
  requireArguments("instanceDetails", a, OF_PROJECT);
  return await pageOfProject(viewRows<InstanceDetailRow>(sql, "instanceDetails", "instance_detail"), a);
}

async function pageOfProject<Row>(rows: ReadRows<Row>, a: ProjectInstances): Promise<Row[]> {
  const { projectId, state = null, after = null, limit = null } = a;
  if (state !== null)
    return await rows`
      where r.id operator(pg_catalog.=) any (array(
        select s.instance_id from vmstate.instances_in_state(${projectId}, ${state}, ${after}, ${limit}) as s))
      order by r.name`;
  // No name is empty, so each comes after ''.
  return await rows`
    where r.project_id operator(pg_catalog.=) ${projectId}
      and r.name operator(pg_catalog.>) coalesce(${after}::pg_catalog.text, '')
    order by r.name limit ${limit}`;
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
 * Lists the VMMs on a sled as the API shows them, by id, dead ones too until they are deleted.
 *
 * `after` is the id of a VMM.
 */
export async function sledVmms(sql: SqlClient, a: { sledId: string } & Page): Promise<ApiVmmRow[]> {
  requireArguments("sledVmms", a, OF_SLED);
  const { sledId, after = null, limit = null } = a;
  const rows = viewRows<ApiVmmRow>(sql, "sledVmms", "api_vmm");
  if (after === null)
    return await rows`where r.sled_id operator(pg_catalog.=) ${sledId} order by r.id limit ${limit}`;
  return await rows`
    where r.sled_id operator(pg_catalog.=) ${sledId} and r.id operator(pg_catalog.>) ${after}
    order by r.id limit ${limit}`;
}

/**
 * Reads a migration as the API shows it.
 *
 * Undefined when the migration does not exist, is deleted, or is not of `instanceId`. Name the instance if you know it:
 * where the tables are partitioned by the instance, only one partition is read then.
 */
export async function apiMigration(
  sql: SqlClient,
  a: { migrationId: string; instanceId?: string | null | undefined },
): Promise<ApiMigrationRow | undefined> {
  requireArguments("apiMigration", a, BY_MIGRATION);
  const { migrationId, instanceId = null } = a;
  const read = viewRows<ApiMigrationRow>(sql, "apiMigration", "api_migration");
  const rows =
    instanceId === null
      ? await read`where r.id operator(pg_catalog.=) ${migrationId}`
      : await read`
        where r.instance_id operator(pg_catalog.=) ${instanceId} and r.id operator(pg_catalog.=) ${migrationId}`;
  return rows[0];
}

/**
 * Lists the migrations of an instance as the API shows them, by id: the one under way and past ones.
 *
 * `after` is the id of a migration.
 */
export async function apiMigrations(
  sql: SqlClient,
  a: { instanceId: string } & Page,
): Promise<ApiMigrationRow[]> {
  requireArguments("apiMigrations", a, OF_INSTANCE);
  const { instanceId, after = null, limit = null } = a;
  const rows = viewRows<ApiMigrationRow>(sql, "apiMigrations", "api_migration");
  if (after === null)
    return await rows`where r.instance_id operator(pg_catalog.=) ${instanceId} order by r.id limit ${limit}`;
  return await rows`
    where r.instance_id operator(pg_catalog.=) ${instanceId} and r.id operator(pg_catalog.>) ${after}
    order by r.id limit ${limit}`;
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

/** Lists sleds that should have VMMs and have not been heard for 1 minute, longest silent first. */
export async function silentSleds(sql: SqlClient, a: Limit = {}): Promise<SilentSledRow[]> {
  requireArguments("silentSleds", a, LIMIT);
  return await viewRows<SilentSledRow>(sql, "silentSleds", "silent_sled")`limit ${a.limit ?? null}`;
}

/** Which instances to check. */
export interface Checked extends Limit {
  /** Only those that have changed since this time, by the history. Default: all. */
  since?: Date | string | null | undefined;
}

/**
 * Lists rows that break an invariant; a sound database has none.
 *
 * Reads whole tables, unless `since` is given.
 */
export async function invariantViolations(sql: SqlClient, a: Checked = {}): Promise<InvariantViolationRow[]> {
  requireArguments("invariantViolations", a, { ...LIMIT, since: "any?" });
  const { since = null, limit = null } = a;
  const rows = viewRows<InvariantViolationRow>(sql, "invariantViolations", "invariant_violation");
  if (since === null) return await rows`limit ${limit}`;
  return await rows`
    where r.instance_id operator(pg_catalog.=) any (array(
        select i.instance_id from vmstate.instance_history as i
          where i."time" operator(pg_catalog.>=) ${timeText(since)}::pg_catalog.text::pg_catalog.timestamptz
        union
        select v.instance_id from vmstate.vmm_history as v
          where v."time" operator(pg_catalog.>=) ${timeText(since)}::pg_catalog.text::pg_catalog.timestamptz
        union
        select m.instance_id from vmstate.migration_history as m
          where m."time" operator(pg_catalog.>=) ${timeText(since)}::pg_catalog.text::pg_catalog.timestamptz))
    limit ${limit}`;
}
