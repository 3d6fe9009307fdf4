import {
  type Alternative,
  IP,
  type Lifecycle,
  type MigrationSide,
  PORT,
  type Report,
  type ReportAnswer,
  type VmmKey,
} from "./alternative.js";
import { acceptsReport, mayDelete, mayMigrate, mayStart, mayStop, planUpdate } from "./decisions.js";
import type { Instance, MigrationChanges, Store, Vmm, VmmChanges } from "./store.js";

/** Makes an alternative that reads, decides in the application, and writes: the same steps for every library. */
export function alternativeOf(name: string, store: Store): Alternative {
  return {
    name,
    schema: "bench_plain",
    report: (report) => (report.side === undefined ? reportVmm(store, report) : reportBoth(store, report)),
    reports: (reports) => reportMany(store, reports),
    lifecycle: lifecycleOf(store),
    listProject: (projectId) => store.listProject(projectId),
  };
}

/** Retries from the start when another writer was faster. */
function reportVmm(store: Store, report: Report): Promise<ReportAnswer> {
  return store.single(async (tx) => {
    for (;;) {
      const vmm = await tx.vmm(report);
      if (!acceptsReport(vmm, report.generation)) return { applied: false, generation: vmm.state_generation };
      if (await tx.updateVmm(vmm, changesOf(vmm, report)))
        return { applied: true, generation: report.generation };
    }
  });
}

function reportBoth(store: Store, report: Report): Promise<ReportAnswer> {
  return store.transaction(async (tx) => {
    const answer = await reportVmm(tx, report);
    if (report.side !== undefined) await reportSide(tx, report.instanceId, report.side, report.time);
    return answer;
  });
}

async function reportSide(tx: Store, instanceId: string, side: MigrationSide, time: Date): Promise<void> {
  const before = await tx.migration(instanceId, side.migrationId);
  const { state, generation } = side;
  const changes: MigrationChanges =
    side.direction === "in"
      ? { destination_state: state, destination_generation: generation, time_destination_updated: time }
      : { source_state: state, source_generation: generation, time_source_updated: time };
  must(await tx.updateMigration(before, changes));
}

/** Reads all rows in one query, and writes each by itself, because each has a version of its own. */
function reportMany(store: Store, reports: readonly Report[]): Promise<number> {
  return store.transaction(async (tx) => {
    const vmms = new Map((await tx.vmms(reports)).map((vmm) => [vmm.id, vmm]));
    let applied = 0;
    for (const report of reports) {
      const vmm = vmms.get(report.propolisId);
      if (vmm === undefined || !acceptsReport(vmm, report.generation)) continue;
      if (await tx.updateVmm(vmm, changesOf(vmm, report))) applied++;
    }
    return applied;
  });
}

function changesOf(vmm: Vmm, { state, generation, time }: Report): VmmChanges {
  const started = state === "running" && vmm.time_started === null ? { time_started: time } : {};
  return { state, state_generation: generation, time_state_updated: time, ...started };
}

function lifecycleOf(store: Store): Lifecycle {
  return {
    start: (a) =>
      store.transaction(async (tx) => {
        const instance = await tx.instance(a.instanceId);
        const active = await vmmOf(tx, instance, instance.active_propolis_id);
        must(mayStart(instance, active));
        await tx.insertVmm(newVmm(a, a));
        const changes = {
          state: "vmm",
          active_propolis_id: a.propolisId,
          intended_state: "running",
        } as const;
        must(await tx.updateInstance(instance, { ...changes, time_state_updated: new Date() }));
      }),
    unwindStart: (a) =>
      store.single(async (tx) => {
        const vmm = await tx.vmm(a);
        must(vmm.saga_id === a.sagaId);
        must(await tx.updateVmm(vmm, { ...raised(vmm), state: "saga_unwound" }));
      }),
    stop: (instanceId) =>
      store.single(async (tx) => {
        const instance = await tx.instance(instanceId);
        must(mayStop(instance));
        must(await tx.updateInstance(instance, { intended_state: "stopped" }));
      }),
    update: (instanceId) => store.transaction((tx) => update(tx, instanceId)),
    deleteVmm: (key) => store.transaction((tx) => deleteVmm(tx, key)),
    beginMigration: (a) =>
      store.transaction(async (tx) => {
        const instance = await tx.instance(a.instanceId);
        const source = await tx.vmm({ ...a, propolisId: a.sourcePropolisId });
        must(mayMigrate(instance, source));
        await tx.insertVmm(newVmm(a, { ...a, propolisId: a.destinationPropolisId }));
        await tx.insertMigration({
          instance_id: a.instanceId,
          id: a.migrationId,
          saga_id: a.sagaId,
          source_propolis_id: a.sourcePropolisId,
          destination_propolis_id: a.destinationPropolisId,
        });
        const links = { destination_propolis_id: a.destinationPropolisId, migration_id: a.migrationId };
        must(await tx.updateInstance(instance, { ...links, time_state_updated: new Date() }));
      }),
  };
}

async function update(tx: Store, instanceId: string): Promise<void> {
  const instance = await tx.instance(instanceId);
  const active = await vmmOf(tx, instance, instance.active_propolis_id);
  const destination = await vmmOf(tx, instance, instance.destination_propolis_id);
  const migration =
    instance.migration_id === null ? undefined : await tx.migration(instanceId, instance.migration_id);
  const plan = planUpdate(active, destination, migration);
  if (plan === undefined) throw new Error("there is nothing to update");
  must(await tx.updateInstance(instance, { ...plan, time_state_updated: new Date() }));
}

async function deleteVmm(tx: Store, key: VmmKey): Promise<void> {
  const vmm = await tx.vmm(key);
  must(mayDelete(vmm));
  must(await tx.updateVmm(vmm, { state_generation: vmm.state_generation + 1, time_deleted: new Date() }));
  await tx.deleteMigrations(key);
}

async function vmmOf(tx: Store, { id }: Instance, propolisId: string | null): Promise<Vmm | undefined> {
  return propolisId === null ? undefined : await tx.vmm({ instanceId: id, propolisId });
}

function raised(vmm: Vmm): VmmChanges {
  return { state_generation: vmm.state_generation + 1, time_state_updated: new Date() };
}

function newVmm(saga: { sagaId: string; sledId: string }, key: VmmKey): Parameters<Store["insertVmm"]>[0] {
  return {
    instance_id: key.instanceId,
    id: key.propolisId,
    sled_id: saga.sledId,
    propolis_ip: IP,
    propolis_port: PORT,
    saga_id: saga.sagaId,
  };
}

/** Throws unless a write was applied, so that the transaction is rolled back. */
function must(applied: boolean): void {
  if (!applied) throw new Error("it was not applied");
}
