import { requireArguments } from "./arguments.js";
import type {
  HistoryExtentRow,
  InstanceHistoryRow,
  MigrationHistoryRow,
  VmmHistoryRow,
} from "./generated.js";
import type { SqlClient } from "./sql-client.js";
import { viewRows } from "./view-rows.js";

const OF_INSTANCE = { instanceId: "id", after: "number?", limit: "number?" };

/** Which changes of an instance, of its VMMs or of its migrations to list. */
export interface Changes {
  instanceId: string;
  /** Those behind this one: the `id` of the last change of the page before. Default: from the oldest. */
  after?: number | null | undefined;
  /** At most so many. Default: all. */
  limit?: number | null | undefined;
}

/** Lists the changes of an instance, oldest first. `time` is ISO 8601 in UTC, with microseconds. */
export async function instanceHistory(sql: SqlClient, a: Changes): Promise<InstanceHistoryRow[]> {
  requireArguments("instanceHistory", a, OF_INSTANCE);
  return await viewRows<InstanceHistoryRow>(
    sql,
    "instanceHistory",
    "instance_history",
  )`where r.instance_id operator(pg_catalog.=) ${a.instanceId} and r.id operator(pg_catalog.>) ${a.after ?? 0}
    order by r.id limit ${a.limit ?? null}`;
}

/** Lists the changes of the VMMs of an instance, oldest first: `rowId` is the VMM. */
export async function vmmHistory(sql: SqlClient, a: Changes): Promise<VmmHistoryRow[]> {
  requireArguments("vmmHistory", a, OF_INSTANCE);
  return await viewRows<VmmHistoryRow>(
    sql,
    "vmmHistory",
    "vmm_history",
  )`where r.instance_id operator(pg_catalog.=) ${a.instanceId} and r.id operator(pg_catalog.>) ${a.after ?? 0}
    order by r.id limit ${a.limit ?? null}`;
}

/** Lists the changes of the migrations of an instance, oldest first: `rowId` is the migration. */
export async function migrationHistory(sql: SqlClient, a: Changes): Promise<MigrationHistoryRow[]> {
  requireArguments("migrationHistory", a, OF_INSTANCE);
  return await viewRows<MigrationHistoryRow>(
    sql,
    "migrationHistory",
    "migration_history",
  )`where r.instance_id operator(pg_catalog.=) ${a.instanceId} and r.id operator(pg_catalog.>) ${a.after ?? 0}
    order by r.id limit ${a.limit ?? null}`;
}

/** Reads since when the history is whole. */
export async function historyExtent(sql: SqlClient): Promise<HistoryExtentRow> {
  const rows = viewRows<HistoryExtentRow>(sql, "historyExtent", "history_extent");
  const [row] = (await rows`limit ${1}`) as [HistoryExtentRow];
  return row;
}
