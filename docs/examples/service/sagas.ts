import { randomUUID } from "node:crypto";
import type { Vmstate } from "vmstate";
import type { Sled } from "./sled.js";

/**
 * Starts an instance on a sled, or undoes what it did. A real saga records its ids before its first call, so that
 * another process can send the same calls again, or undo them.
 */
export async function start(vm: Vmstate, instanceId: string, sled: Sled): Promise<boolean> {
  const ids = { instanceId, sagaId: randomUUID(), propolisId: randomUUID() };
  const begun = await vm.beginStart({ ...ids, sledId: sled.id, propolisIp: sled.ip });
  if (begun.outcome !== "applied" && begun.outcome !== "unchanged") return false;
  try {
    sled.boot(ids);
    return true;
  } catch {
    // In this order: the instance shows stopped from here on, and a late report finds a VMM that is dead.
    await vm.unwindStart(ids);
    sled.terminate(ids.propolisId);
    return false;
  }
}

/** Moves a running instance from its active VMM to another sled, or undoes what it did. */
export async function migrate(vm: Vmstate, instanceId: string, source: Sled, target: Sled): Promise<boolean> {
  const { activePropolisId: sourcePropolisId } = await vm.explainUpdate({ instanceId });
  if (sourcePropolisId === null) return false;
  const ids = { instanceId, sagaId: randomUUID(), migrationId: randomUUID() };
  const destinationPropolisId = randomUUID();
  const vmms = { sourcePropolisId, destinationPropolisId };
  const begun = await vm.beginMigration({ ...ids, ...vmms, sledId: target.id, propolisIp: target.ip });
  if (begun.outcome !== "applied" && begun.outcome !== "unchanged") return false;
  try {
    const destination = { instanceId, propolisId: destinationPropolisId };
    target.receive(destination, ids.migrationId, { sled: source, propolisId: sourcePropolisId });
    return true;
  } catch {
    const undone = await vm.unwindMigration(ids);
    // After a conflict (handed_over) the guest may run there already: the update saga decides.
    if (undone.outcome !== "conflict") target.terminate(destinationPropolisId);
    return false;
  }
}
