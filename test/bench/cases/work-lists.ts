import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import {
  abandonedVmms,
  invariantViolations,
  orphanedVmms,
  pendingUpdates,
  reportVmms,
  restartableInstances,
  type SqlClient,
  stuckInstances,
  watchedVmms,
} from "../../../src/index.js";
import { createRunning, type Member } from "../fleet.js";
import { makeAbandoned, makeOrphaned, makePending, makeStuck } from "../work.js";
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
  const make = async (count: number): Promise<Member[]> =>
    (await createRunning(sql, randomUUID(), count)).map((vmm) => ({
      ...vmm,
      generation: 2,
      state: "running",
    }));
  await makePending(sql, await make(WORK));
  await makeAbandoned(sql, await make(WORK), "destroyed");
  await makeAbandoned(sql, await make(WORK), "failed");
  await makeOrphaned(sql, await make(WORK));
  await makeStuck(sql, WORK);
}
