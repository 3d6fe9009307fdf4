import type postgres from "postgres";
import {
  abandonedVmms,
  apiInstances,
  instanceDetails,
  orphanedVmms,
  pendingUpdates,
  restartableInstances,
  sledVmms,
  stuckInstances,
  watchedVmms,
} from "../../../src/index.js";
import { manyRows } from "../../../src/client/rows.js";
import { statement } from "../../../src/client/statement.js";
import type { VmmKey } from "../alternatives/alternative.js";
import { makeAbandoned, makeOrphaned, makePending, makeStuck } from "../work.js";
import type { Site } from "./site.js";

/** The number of rows in each work list. */
export const ROWS = 100;

const WORK_LISTS: Record<string, (sql: postgres.ISql) => Promise<unknown[]>> = {
  pending_update: pendingUpdates,
  abandoned_vmm: abandonedVmms,
  orphaned_vmm: orphanedVmms,
  restartable_instance: restartableInstances,
  stuck_instance: stuckInstances,
  [`watched_vmm, ${ROWS} of`]: (sql) => watchedVmms(sql, { limit: ROWS }),
};

/** What the lists are compared with. */
export const BY_KEY = `${ROWS} VMMs by key`;
export const LISTS = Object.keys(WORK_LISTS);

/** What a control plane shows its users and its operators. */
const PAGES: Record<string, (sql: postgres.ISql, projectId: string, sledId: string) => Promise<unknown[]>> = {
  "api_instance of a project": (sql, projectId) => apiInstances(sql, { projectId }),
  "instance_detail of a project": (sql, projectId) => instanceDetails(sql, { projectId }),
  "50 running ones of a project": (sql, projectId) =>
    apiInstances(sql, { projectId, state: "running", limit: 50 }),
  "stopped ones of a project": (sql, projectId) => apiInstances(sql, { projectId, state: "stopped" }),
  "api_vmm of a sled": (sql, _, sledId) => sledVmms(sql, { sledId }),
};
export const PAGE_NAMES = Object.keys(PAGES);

/** Makes as many rows for each work list. */
export async function makeWork({ caller: { sql }, population, random }: Site): Promise<void> {
  const take = () => Array.from({ length: ROWS }, () => population.take(random));
  await makeStuck(sql, ROWS);
  await makeAbandoned(sql, take(), "failed");
  await makeOrphaned(sql, take());
  await makePending(sql, take());
  await sql`vacuum analyze vmstate.instance, vmstate.vmm, vmstate.migration`;
}

/** Each list once. */
export async function readLists({ caller, population, random }: Site): Promise<void> {
  const keys = population.pick(ROWS, random);
  requireRows(BY_KEY, await caller.call(BY_KEY, (sql) => readByKey(sql, keys)));
  for (const [list, read] of Object.entries(WORK_LISTS))
    if (!caller.isSpent(list)) requireRows(list, await caller.call(list, read));
  const [projectId, sledId] = [population.project(random), population.sledId(random)];
  for (const [page, read] of Object.entries(PAGES))
    await caller.call(page, (sql) => read(sql, projectId, sledId));
}

function readByKey(sql: postgres.ISql, keys: readonly VmmKey[]): Promise<unknown[]> {
  return manyRows(
    sql,
    statement`
    select row_to_json(v)::text
    from unnest(${keys.map(({ instanceId }) => instanceId)}::uuid[], ${keys.map(({ propolisId }) => propolisId)}::uuid[])
      as k (instance_id, id)
    join vmstate.vmm as v on v.instance_id = k.instance_id and v.id = k.id`,
  );
}

function requireRows(list: string, rows: unknown[] | undefined): void {
  if (rows !== undefined && rows.length !== ROWS)
    throw new Error(`${list} has ${rows.length} rows, not ${ROWS}`);
}
