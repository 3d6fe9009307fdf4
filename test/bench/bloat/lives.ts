import type postgres from "postgres";
import { randomUUID } from "node:crypto";
import {
  beginMigration,
  beginStart,
  createInstance,
  deleteInstance,
  deleteVmm,
  finishInstanceCreation,
  reportVmm,
  requestStop,
  runUpdate,
} from "../../../src/index.js";
import { IP } from "../alternatives/alternative.js";
import { type Member, next } from "../fleet.js";

/** What becomes of a VMM on a sled. Answers the VMM that runs instead. */
export type Fate = (sql: postgres.ISql, vmm: Member, sledId: string, otherSledId: string) => Promise<Member>;

/** The instance stops, and starts again. */
export const restart: Fate = async (sql, vmm, sledId) => {
  await stop(sql, vmm);
  return await start(sql, vmm.instanceId, sledId);
};

/** The instance is deleted, and another one is created and started. */
export const replace: Fate = async (sql, vmm, sledId) => {
  await stop(sql, vmm);
  applied(await deleteInstance(sql, vmm));
  const id = randomUUID();
  applied(
    await createInstance(sql, {
      instanceId: id,
      projectId: randomUUID(),
      name: "bloat",
      intendedState: "running",
    }),
  );
  applied(await finishInstanceCreation(sql, { instanceId: id }));
  return await start(sql, id, sledId);
};

/** The instance migrates. */
export const migrate: Fate = async (sql, vmm, _, sledId) => {
  const { instanceId, propolisId: sourcePropolisId } = vmm;
  const destination: Member = { instanceId, propolisId: randomUUID(), generation: 1, state: "starting" };
  const ids = { sagaId: randomUUID(), migrationId: randomUUID(), sledId };
  const to = { sourcePropolisId, destinationPropolisId: destination.propolisId, propolisIp: IP };
  applied(await beginMigration(sql, { instanceId, ...ids, ...to }));
  const time = new Date();
  const completed = {
    migrationInId: ids.migrationId,
    migrationInState: "completed",
    migrationInGeneration: 2,
    migrationInTime: time,
  } as const;
  await reportVmm(sql, { ...next(destination, "running"), ...completed });
  await end(sql, vmm);
  return destination;
};

async function start(sql: postgres.ISql, instanceId: string, sledId: string): Promise<Member> {
  const vmm: Member = { instanceId, propolisId: randomUUID(), generation: 1, state: "starting" };
  applied(await beginStart(sql, { ...vmm, sagaId: randomUUID(), sledId, propolisIp: IP }));
  await reportVmm(sql, next(vmm, "starting"));
  await reportVmm(sql, next(vmm, "running"));
  return vmm;
}

async function stop(sql: postgres.ISql, vmm: Member): Promise<void> {
  applied(await requestStop(sql, vmm));
  await end(sql, vmm);
}

async function end(sql: postgres.ISql, vmm: Member): Promise<void> {
  await reportVmm(sql, next(vmm, "destroyed"));
  applied(await runUpdate(sql, { instanceId: vmm.instanceId, sagaId: randomUUID() }));
  applied(await deleteVmm(sql, vmm));
}

function applied(answer: { outcome: string }): void {
  if (answer.outcome !== "applied") throw new Error(`a verb was not applied: ${JSON.stringify(answer)}`);
}

/** What is marked as deleted goes, as a control plane would see to now and then. */
export async function purge(sql: postgres.ISql): Promise<void> {
  await sql`delete from vmstate.migration where time_deleted is not null`;
  await sql`delete from vmstate.vmm where time_deleted is not null`;
  await sql`delete from vmstate.instance where time_deleted is not null`;
}
