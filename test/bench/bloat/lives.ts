import type postgres from "postgres";
import { vmstate } from "../../../src/index.js";
import { applied, callsOf, Lifecycle, type Vmm } from "../../support/lifecycle.js";

/** What becomes of a VMM on a sled. Answers the VMM that runs instead. */
export type Fate = (sql: postgres.ISql, vmm: Vmm, sledId: string, otherSledId: string) => Promise<Vmm>;

/** The instance stops, and starts again. */
export const restart: Fate = async (sql, vmm, sledId) => {
  const life = lifeOf(sql, vmm.instanceId);
  await stop(life, vmm);
  return await life.run(sledId);
};

/** The instance is deleted, and another one is created and started. */
export const replace: Fate = async (sql, vmm, sledId) => {
  const old = lifeOf(sql, vmm.instanceId);
  await stop(old, vmm);
  await old.delete();
  const life = lifeOf(sql);
  await life.create("running");
  return await life.run(sledId);
};

/** The instance migrates. */
export const migrate: Fate = async (sql, vmm, _, sledId) => {
  const life = lifeOf(sql, vmm.instanceId);
  const move = await life.migrate(vmm, sledId);
  await life.reportIn(move, "running", "completed");
  await end(life, vmm);
  return move;
};

function lifeOf(sql: postgres.ISql, instanceId?: string): Lifecycle {
  return new Lifecycle(applied(callsOf(vmstate(sql))), instanceId);
}

async function stop(life: Lifecycle, vmm: Vmm): Promise<void> {
  await life.requestStop();
  await end(life, vmm);
}

async function end(life: Lifecycle, vmm: Vmm): Promise<void> {
  await life.report(vmm, "destroyed");
  await life.update();
  await life.deleteVmm(vmm);
}

/** What is marked as deleted goes, as a control plane would see to now and then. */
export async function purge(sql: postgres.ISql): Promise<void> {
  await sql`delete from vmstate.migration where time_deleted is not null`;
  await sql`delete from vmstate.vmm where time_deleted is not null`;
  await sql`delete from vmstate.instance where time_deleted is not null`;
}
