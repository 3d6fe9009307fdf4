import { randomUUID } from "node:crypto";
import { breakUpdate, failVmm } from "../client/operator.js";
import { deleteInstance, deleteVmm } from "../client/control-plane.js";
import { manyRows } from "../client/rows.js";
import type { SqlClient } from "../client/sql-client.js";
import { statement } from "../client/statement.js";
import { explainUpdate, runUpdate } from "../client/update-saga.js";
import { lastOf, firstOf } from "./ids.js";

/** How many instances and VMMs of a replay were deleted. */
export interface Removed {
  instances: number;
  vmms: number;
}

/**
 * Deletes what a replay has left in a database, by verbs alone.
 *
 * The rows are marked as deleted, and `purge` removes them for good later. May be called again.
 *
 * @param run the first 8 digits of the ids of its instances
 */
export async function removeReplay(sql: SqlClient, run: string, signal: AbortSignal): Promise<Removed> {
  for (const { instanceId, id: propolisId } of await vmmsOf(sql, run)) {
    signal.throwIfAborted();
    await failVmm(sql, { instanceId, propolisId, reason: "no_such_vmm" });
  }
  const instanceIds = await instancesOf(sql, run);
  for (const instanceId of instanceIds) {
    signal.throwIfAborted();
    await removeInstance(sql, instanceId);
  }
  const vmms = await vmmsOf(sql, run);
  for (const { instanceId, id: propolisId } of vmms) {
    signal.throwIfAborted();
    await deleteVmm(sql, { instanceId, propolisId });
  }
  return { instances: instanceIds.length, vmms: vmms.length };
}

/** Ends the updater lock that an interrupted saga holds, and deletes the instance, whose VMMs are dead. */
async function removeInstance(sql: SqlClient, instanceId: string): Promise<void> {
  const { updaterId, updaterGeneration } = await explainUpdate(sql, { instanceId });
  if (updaterId !== null)
    await breakUpdate(sql, { instanceId, updaterGeneration, reason: "the replay has ended" });
  await runUpdate(sql, { instanceId, sagaId: randomUUID() });
  await deleteInstance(sql, { instanceId });
}

async function instancesOf(sql: SqlClient, run: string): Promise<string[]> {
  const rows = await manyRows<{ id: string }>(
    sql,
    statement`select pg_catalog.row_to_json(r)::pg_catalog.text from (select i.id from vmstate.api_instance as i
      where i.id operator(pg_catalog.>=) ${firstOf(run)} and i.id operator(pg_catalog.<=) ${lastOf(run)}) as r`,
  );
  return rows.map(({ id }) => id);
}

async function vmmsOf(sql: SqlClient, run: string): Promise<{ instanceId: string; id: string }[]> {
  return await manyRows(
    sql,
    statement`select pg_catalog.row_to_json(r)::pg_catalog.text from (select v.instance_id, v.id from vmstate.api_vmm as v
      where v.instance_id operator(pg_catalog.>=) ${firstOf(run)} and v.instance_id operator(pg_catalog.<=) ${lastOf(run)}) as r`,
  );
}
