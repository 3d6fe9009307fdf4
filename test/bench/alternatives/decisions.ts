import type { Instance, MigrationRow, Vmm } from "./store.js";

/**
 * What an application decides in its own code when the database only stores: the same for every alternative that reads,
 * decides and writes. As people write it, without the corner cases that vmstate knows of.
 */

const DEAD = ["failed", "destroyed", "saga_unwound"];

export function isDead({ state }: { state: string }): boolean {
  return DEAD.includes(state);
}

export function acceptsReport(vmm: Vmm, generation: number): boolean {
  return vmm.time_deleted === null && !isDead(vmm) && generation > vmm.state_generation;
}

export function mayStart(instance: Instance, active: Vmm | undefined): boolean {
  if (instance.time_deleted !== null) return false;
  return ["no_vmm", "failed"].includes(instance.state) || active?.state === "saga_unwound";
}

export function mayMigrate(instance: Instance, source: Vmm): boolean {
  return (
    instance.active_propolis_id === source.id && instance.migration_id === null && source.state === "running"
  );
}

export function mayStop(instance: Instance): boolean {
  return instance.state !== "creating" && instance.time_deleted === null;
}

export function mayDelete(vmm: Vmm): boolean {
  return vmm.time_deleted === null && isDead(vmm);
}

export interface Update {
  state: "vmm" | "no_vmm" | "failed";
  active_propolis_id: string | null;
  destination_propolis_id: string | null;
  migration_id: string | null;
}

/** What has to become of the instance's links; undefined: nothing. */
export function planUpdate(
  active: Vmm | undefined,
  destination: Vmm | undefined,
  migration: MigrationRow | undefined,
): Update | undefined {
  if (active === undefined) return undefined;
  const cleared = { destination_propolis_id: null, migration_id: null };
  if (migration?.destination_state === "completed" && destination !== undefined)
    return isDead(destination)
      ? { state: "no_vmm", active_propolis_id: null, ...cleared }
      : { state: "vmm", active_propolis_id: destination.id, ...cleared };
  const isOver = migration?.source_state === "failed" || migration?.destination_state === "failed";
  if (migration !== undefined && !isOver) return undefined;
  if (isDead(active))
    return { state: active.state === "failed" ? "failed" : "no_vmm", active_propolis_id: null, ...cleared };
  return isOver ? { state: "vmm", active_propolis_id: active.id, ...cleared } : undefined;
}

/** What the user sees. */
export function shownState(state: string, active: string | null, migrationId: string | null): string {
  if (state === "no_vmm") return "stopped";
  if (state !== "vmm" || active === null) return state;
  if (active === "saga_unwound") return "stopped";
  if (migrationId !== null) return "migrating";
  if (active === "creating") return "starting";
  return ["stopped", "failed", "destroyed"].includes(active) ? "stopping" : active;
}
