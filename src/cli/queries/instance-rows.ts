import { VmstateError } from "../../errors/vmstate-error.js";
import type {
  ApiInstanceRow,
  ApiVmmRow,
  AutoRestartPolicy,
  FailureReason,
  InstanceState,
  IntendedState,
  MigrationState,
  VmmState,
} from "../../client/generated.js";
import { manyRows } from "../../client/rows.js";
import type { SqlClient } from "../../client/sql-client.js";
import { statement } from "../../client/statement.js";
import { apiInstance, apiVmms } from "../../client/views.js";

/** A row of table `vmstate.instance`. */
export interface InstanceRow {
  id: string;
  projectId: string;
  name: string;
  state: InstanceState;
  stateGeneration: number;
  timeStateUpdated: Date;
  activePropolisId: string | null;
  destinationPropolisId: string | null;
  migrationId: string | null;
  intendedState: IntendedState;
  autoRestartPolicy: AutoRestartPolicy | null;
  autoRestartCooldown: string | null;
  timeLastAutoRestarted: Date | null;
  autoRestartAttempts: number;
  updaterId: string | null;
  updaterGeneration: number;
  updaterLeaseUntil: Date | null;
  committedUpdaterGeneration: number | null;
  timeCreated: Date;
  timeModified: Date;
  timeDeleted: Date | null;
}

/** A row of table `vmstate.vmm`. */
export interface VmmRow {
  instanceId: string;
  id: string;
  sledId: string;
  propolisIp: string;
  propolisPort: number;
  sagaId: string;
  state: VmmState;
  stateGeneration: number;
  timeStateUpdated: Date;
  timeStarted: Date | null;
  timeReported: Date | null;
  failureReason: FailureReason | null;
  timeUnlinked: Date | null;
  timeCreated: Date;
  timeDeleted: Date | null;
}

/** A row of table `vmstate.migration`. */
export interface MigrationRow {
  instanceId: string;
  id: string;
  sagaId: string;
  sourcePropolisId: string;
  sourceState: MigrationState;
  sourceGeneration: number;
  timeSourceUpdated: Date;
  destinationPropolisId: string;
  destinationState: MigrationState;
  destinationGeneration: number;
  timeDestinationUpdated: Date;
  timeCreated: Date;
  timeDeleted: Date | null;
}

/** An instance as the API shows it, and the rows that this derives from, deleted ones too. */
export interface InstanceWithRows {
  /** As the API shows them; `instance` is null if the instance is deleted. */
  api: { instance: ApiInstanceRow | null; vmms: ApiVmmRow[] };
  rows: { instance: InstanceRow; vmms: VmmRow[]; migrations: MigrationRow[] };
}

/**
 * Reads an instance as the API shows it, and the rows behind that.
 *
 * @throws VmstateError when the instance never existed
 */
export async function readInstanceWithRows(sql: SqlClient, instanceId: string): Promise<InstanceWithRows> {
  const instance = await readInstance(sql, instanceId);
  return {
    api: {
      instance: (await apiInstance(sql, { instanceId })) ?? null,
      vmms: await apiVmms(sql, { instanceId }),
    },
    rows: {
      instance,
      vmms: await readVmms(sql, instanceId),
      migrations: await readMigrations(sql, instanceId),
    },
  };
}

/**
 * Throws the error for an instance that never existed.
 *
 * @throws VmstateError always
 */
export function noInstance(instanceId: string): never {
  throw new VmstateError(`there is no instance ${instanceId} in this database`);
}

async function readInstance(sql: SqlClient, id: string): Promise<InstanceRow> {
  const [row] = await manyRows<InstanceRow>(
    sql,
    statement`select row_to_json(r)::text from vmstate.instance as r where r.id = ${id}`,
  );
  return row ? withDates(row) : noInstance(id);
}

async function readVmms(sql: SqlClient, instanceId: string): Promise<VmmRow[]> {
  const rows = await manyRows<VmmRow>(
    sql,
    statement`select row_to_json(r)::text from vmstate.vmm as r
    where r.instance_id = ${instanceId} order by r.time_created, r.id`,
  );
  return rows.map(withDates);
}

async function readMigrations(sql: SqlClient, instanceId: string): Promise<MigrationRow[]> {
  const rows = await manyRows<MigrationRow>(
    sql,
    statement`select row_to_json(r)::text from vmstate.migration as r
    where r.instance_id = ${instanceId} order by r.time_created, r.id`,
  );
  return rows.map(withDates);
}

/**
 * Converts the time columns of a table row from text to dates.
 *
 * `manyRows` converts only columns of public views and results.
 */
function withDates<Row extends object>(row: Row): Row {
  const entries = Object.entries(row).map(([column, value]: [string, unknown]) =>
    column.startsWith("time") && typeof value === "string" ? [column, new Date(value)] : [column, value],
  );
  return Object.fromEntries(entries) as Row;
}
