import { dead } from "../../sql/model.js";
import { isBootLoop, isOld } from "./ages.js";
import type { Bound } from "./actors.js";
import {
  hadBeenRunning,
  type InstanceRow,
  isExpired,
  type Memory,
  type MigrationRow,
  type Snapshot,
  type VmmRow,
} from "./snapshot.js";

/**
 * The key of a state: two states with the same key allow the same steps and lead to the same states.
 *
 * The key has generations only relative to those that an actor holds. Of a row that is deleted, or dead and unlinked, it
 * has only that this is so. It has no clock times: only whether a time is set, or old, and whether a lease has expired.
 */
export function canonical(state: Snapshot, memory: Memory, { ages }: Pick<Bound, "ages">): string {
  const { instance } = state;
  return JSON.stringify([
    [
      instance.state,
      instance.active_propolis_id,
      instance.destination_propolis_id,
      instance.migration_id,
      instance.intended_state,
      instance.updater_id,
      instance.updater_parent_id,
      isExpired(instance),
      isOld(instance.time_deleted),
      // without time that goes by, a restart never waits
      ...(ages ? restartKey(instance) : []),
    ],
    state.vmms.map((vmm) => vmmKey(state, vmm)),
    state.migrations.map(migrationKey),
    lockKey(state, memory),
  ]);
}

function restartKey(instance: InstanceRow): unknown[] {
  const { auto_restart_policy: policy, auto_restart_attempts: attempts } = instance;
  const { time_last_auto_restarted: last } = instance;
  return [policy, attempts > 0, isBootLoop(instance), last !== null, isOld(last)];
}

function vmmKey(state: Snapshot, vmm: VmmRow): unknown[] {
  if (vmm.time_deleted !== null) return [vmm.id, "deleted", isOld(vmm.time_deleted)];
  if (vmm.time_unlinked !== null)
    return [vmm.id, "unlinked", vmm.state === "creating" || dead(vmm.state) ? vmm.state : "alive"];
  const started = [vmm.time_started !== null, hadBeenRunning(state, vmm), isOld(vmm.time_started)];
  return [vmm.id, vmm.state, ...started];
}

function migrationKey(migration: MigrationRow): unknown[] {
  if (migration.time_deleted !== null)
    return [migration.id, "deleted", isOld(migration.time_deleted), migration.source_propolis_id];
  return [migration.id, migration.source_propolis_id, migration.source_state, migration.destination_state];
}

/** Two updater generations are equal, consecutive or farther apart: verbs ask for no more than that. */
function lockKey({ instance }: Snapshot, memory: Memory): unknown[] {
  const held = Object.entries(memory).sort(([a], [b]) => (a < b ? -1 : 1));
  const generations = [
    instance.updater_generation,
    instance.committed_updater_generation ?? 0,
    ...held.map(([, [generation]]) => generation),
  ];
  const descending = [...new Set(generations)].sort((a, b) => b - a);
  const gaps = descending.map((generation, i) => Math.min((descending[i - 1] ?? generation) - generation, 2));
  return [
    generations.map((generation) => descending.indexOf(generation)),
    gaps,
    held.map(([updater, [, token]]) => [updater, tokenKey(token, instance.state_generation)]),
  ];
}

function tokenKey(token: string, stateGeneration: number): string {
  const [generation, plan] = token.split(".");
  return Number(generation) === stateGeneration ? String(plan) : "stale";
}
