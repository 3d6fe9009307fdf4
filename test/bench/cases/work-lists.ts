import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import {
  abandonedVmms,
  beginMigration,
  createInstance,
  invariantViolations,
  orphanedVmms,
  pendingUpdates,
  type ReportedVmmState,
  reportVmm,
  reportVmms,
  restartableInstances,
  runUpdate,
  type SqlClient,
  stuckInstances,
  watchedVmms,
} from "../../../src/index.js";
import type { VmmKey } from "../contestants/contestant.js";
import { createRunning } from "../fleet.js";
import { type Case, runCase } from "./case.js";

const WORK = 20;
const LIMIT = { limit: 1_000 };

/** Each work list, with some work besides what other cases left, and the search for broken invariants. */
export const workLists: Case = async (stage) => {
  const { sql } = stage.narrow;
  // nothing reboots any more
  for (const reports of stage.fleets.vmstate.everybody(LIMIT.limit)) await reportVmms(sql, reports);
  await makeWork(sql);
  await stage.sql`analyze vmstate.instance, vmstate.vmm, vmstate.migration`;
  const lists: Record<string, (sql: SqlClient) => Promise<unknown[]>> = {
    pending_update: pendingUpdates,
    abandoned_vmm: (sql) => abandonedVmms(sql, LIMIT),
    orphaned_vmm: orphanedVmms,
    restartable_instance: restartableInstances,
    stuck_instance: stuckInstances,
    "watched_vmm, 1000 of": (sql) => watchedVmms(sql, LIMIT),
    "verify (invariant_violation)": invariantViolations,
  };
  const rows = new Map<string, Record<string, number>>();
  const raced = await runCase(stage, {
    id: "work-lists",
    title: "Reading a work list, and verify",
    unit: "lists",
    base: null,
    rounds: 50,
    entries: Object.entries(lists).map(([name, read]) => ({
      name,
      size: 1,
      call: async () => rows.set(name, { rows: (await read(sql)).length }),
    })),
    check: () => {
      const empty = [...rows].filter(([, { rows }]) => rows === 0).map(([name]) => name);
      if (empty.join() !== "verify (invariant_violation)")
        throw new Error(`unexpectedly empty: ${empty.join()}`);
      return Promise.resolve();
    },
  });
  return { ...raced, counts: rows };
};

async function makeWork(sql: postgres.Sql): Promise<void> {
  const make = (count: number): Promise<VmmKey[]> => createRunning(sql, randomUUID(), count);
  for (const vmm of await make(WORK)) await say(sql, vmm, "destroyed");
  for (const state of ["destroyed", "failed"] as const)
    for (const vmm of await make(WORK)) {
      await say(sql, vmm, state);
      await update(sql, vmm);
    }
  for (const vmm of await make(WORK)) await moveAway(sql, vmm);
  for (let n = 0; n < WORK; n++) await forget(sql);
}

async function say(sql: SqlClient, vmm: VmmKey, state: ReportedVmmState): Promise<void> {
  await reportVmm(sql, { ...vmm, state, generation: 3, time: new Date() });
}

async function update(sql: SqlClient, { instanceId }: VmmKey): Promise<void> {
  await runUpdate(sql, { instanceId, sagaId: randomUUID() });
}

/** Its first VMM runs on, unlinked. */
async function moveAway(sql: SqlClient, vmm: VmmKey): Promise<void> {
  const { instanceId, propolisId: sourcePropolisId } = vmm;
  const [sagaId, migrationId, destinationPropolisId, sledId] = Array.from({ length: 4 }, () =>
    randomUUID(),
  ) as [string, string, string, string];
  const ids = { sagaId, migrationId, sourcePropolisId, destinationPropolisId, sledId };
  await beginMigration(sql, { instanceId, ...ids, propolisIp: "fd00::2" });
  const time = new Date();
  await reportVmm(sql, {
    ...{ instanceId, propolisId: destinationPropolisId, state: "running", generation: 2, time },
    ...{
      migrationInId: migrationId,
      migrationInState: "completed",
      migrationInGeneration: 2,
      migrationInTime: time,
    },
  });
  await update(sql, vmm);
}

/** An instance that has been creating for an hour. */
async function forget(sql: SqlClient): Promise<void> {
  const id = randomUUID();
  await createInstance(sql, { id, projectId: randomUUID(), name: "forgotten", intendedState: "running" });
  await sql`
    update vmstate.instance
    set state_generation = state_generation + 1, time_state_updated = now() - interval '1 hour' where id = ${id}`;
}
