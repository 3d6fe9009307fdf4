import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { Vmstate } from "vmstate";
import type { Sled } from "./sled.js";

const PERIOD_MS = 50;

/** Brings the links of each instance in line with what became of its VMMs. Any number of processes may run it. */
export async function runUpdates(vm: Vmstate, sleds: readonly Sled[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const { instanceId } of await vm.pendingUpdates({ limit: 100 })) await update(vm, instanceId);
    // What a plan wants terminated is in this list as soon as the plan is committed.
    for (const { sledId, propolisId, expectedToEnd } of await vm.orphanedVmms())
      if (!expectedToEnd) sleds.find(({ id }) => id === sledId)?.terminate(propolisId);
    for (const { instanceId, propolisId } of await vm.abandonedVmms())
      await vm.deleteVmm({ instanceId, propolisId });
    await setTimeout(PERIOD_MS);
  }
}

async function update(vm: Vmstate, instanceId: string): Promise<void> {
  const sagaId = randomUUID();
  const plan = await vm.beginUpdate({ instanceId, sagaId, lease: "1 minute" });
  if (plan.outcome !== "applied") return;
  // Here a real service keeps, moves or deletes the network, as plan.network and plan.networkPropolisId say.
  const { updaterGeneration, planToken } = plan;
  const done = await vm.commitUpdate({ instanceId, sagaId, updaterGeneration, planToken });
  // A conflict wrote nothing and leaves the lock as it is. The next round makes a new plan.
  if (done.outcome === "conflict") await vm.unlockUpdate({ instanceId, sagaId, updaterGeneration });
}
