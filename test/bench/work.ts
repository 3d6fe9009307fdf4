import type postgres from "postgres";
import { randomUUID } from "node:crypto";
import {
  beginMigration,
  createInstance,
  type ReportedVmmState,
  reportVmm,
  runUpdate,
} from "../../src/index.js";
import type { VmmKey } from "./alternatives/alternative.js";
import { type Member, next } from "./fleet.js";

/** Ends VMMs, so that updates are pending. */
export async function makePending(sql: postgres.ISql, vmms: readonly Member[]): Promise<void> {
  for (const vmm of vmms) await report(sql, vmm, "destroyed");
}

/** Ends and unlinks VMMs; the instance of one that failed may be restarted. */
export async function makeAbandoned(
  sql: postgres.ISql,
  vmms: readonly Member[],
  state: "destroyed" | "failed",
): Promise<void> {
  for (const vmm of vmms) {
    await report(sql, vmm, state);
    await update(sql, vmm);
  }
}

/** Migrates instances, and leaves the source VMMs running. */
export async function makeOrphaned(sql: postgres.ISql, vmms: readonly Member[]): Promise<void> {
  for (const vmm of vmms) await migrate(sql, vmm);
}

/** Makes instances that have been creating for an hour. */
export async function makeStuck(sql: postgres.ISql, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await createLongAgo(sql);
}

async function report(sql: postgres.ISql, vmm: Member, state: ReportedVmmState): Promise<void> {
  await reportVmm(sql, next(vmm, state));
}

async function update(sql: postgres.ISql, { instanceId }: VmmKey): Promise<void> {
  await runUpdate(sql, { instanceId, sagaId: randomUUID() });
}

async function migrate(sql: postgres.ISql, vmm: Member): Promise<void> {
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

async function createLongAgo(sql: postgres.ISql): Promise<void> {
  const id = randomUUID();
  await createInstance(sql, {
    instanceId: id,
    projectId: randomUUID(),
    name: "forgotten",
    intendedState: "running",
  });
  await sql`
    update vmstate.instance
    set state_generation = state_generation + 1, time_state_updated = now() - interval '1 hour' where id = ${id}`;
}
