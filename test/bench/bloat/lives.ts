import type postgres from "postgres";
import { vmstate } from "../../../src/index.js";
import { applied, callsOf, Lifecycle, type Vmm } from "../../support/lifecycle.js";

/** Ends a VMM on a sled, and returns the VMM that runs in its place. */
export type Replacement = (sql: postgres.ISql, vmm: Vmm, sledId: string, otherSledId: string) => Promise<Vmm>;

/** The instance stops, and starts again. */
export const restart: Replacement = async (sql, vmm, sledId) => {
  const life = lifeOf(sql, vmm.instanceId);
  await stop(life, vmm);
  return await life.run(sledId);
};

/** The instance is deleted, and another one is created and started. */
export const replace: Replacement = async (sql, vmm, sledId) => {
  const old = lifeOf(sql, vmm.instanceId);
  await stop(old, vmm);
  await old.delete();
  const life = lifeOf(sql);
  await life.create("running");
  return await life.run(sledId);
};

/** The instance migrates. */
export const migrate: Replacement = async (sql, vmm, _, sledId) => {
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

/** Deletes all soft-deleted rows, as a control plane purges now and then. */
export async function purge(sql: postgres.ISql): Promise<void> {
  await sql`delete from vmstate.migration where time_deleted is not null`;
  await sql`delete from vmstate.vmm where time_deleted is not null`;
  await sql`delete from vmstate.instance where time_deleted is not null`;
}
