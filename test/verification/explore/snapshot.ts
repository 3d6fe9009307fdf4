import type {
  AutoRestartPolicy,
  InstanceState,
  IntendedState,
  MigrationState,
  VmmState,
} from "../../../src/index.js";
import type { Updater } from "./actors.js";

/** The rows of the one instance, as PostgreSQL's `to_jsonb` gives them, each with its place in the table. */
export interface Snapshot {
  instance: InstanceRow;
  vmms: VmmRow[];
  migrations: MigrationRow[];
  /** How many other instances there are. */
  others: number;
}

export interface InstanceRow {
  ctid: string;
  name: string;
  state: InstanceState;
  state_generation: number;
  active_propolis_id: string | null;
  destination_propolis_id: string | null;
  migration_id: string | null;
  intended_state: IntendedState;
  updater_id: string | null;
  updater_generation: number;
  updater_lease_until: string | null;
  updater_parent_id: string | null;
  released_updater_id: string | null;
  time_updater_released: string | null;
  committed_updater_generation: number | null;
  committed_updater_id: string | null;
  committed_plan_token: string | null;
  auto_restart_policy: AutoRestartPolicy | null;
  auto_restart_attempts: number;
  time_last_auto_restarted: string | null;
  time_deleted: string | null;
}

export interface VmmRow {
  ctid: string;
  id: string;
  sled_id: string;
  state: VmmState;
  state_generation: number;
  time_reported: string | null;
  time_started: string | null;
  time_unlinked: string | null;
  time_deleted: string | null;
}

export interface MigrationRow {
  ctid: string;
  id: string;
  source_propolis_id: string;
  source_state: MigrationState;
  source_generation: number;
  destination_propolis_id: string;
  destination_state: MigrationState;
  destination_generation: number;
  time_reported: string | null;
  time_deleted: string | null;
}

/** What each update saga got as answer and may still commit: the fencing token and the plan token. */
export type Memory = Partial<Record<Updater, [updaterGeneration: number, planToken: string]>>;

export const isExpired = ({ updater_lease_until: until }: InstanceRow): boolean =>
  until !== null && Date.parse(until) < Date.now();

export function vmmOf({ vmms }: Snapshot, id: string | null): VmmRow | undefined {
  return vmms.find((vmm) => vmm.id === id);
}

export function migrationOf({ migrations }: Snapshot, id: string | null): MigrationRow | undefined {
  return migrations.find((migration) => migration.id === id);
}

/** Whether some migration leads to the VMM. */
export function isDestination({ migrations }: Snapshot, { id }: VmmRow): boolean {
  return migrations.some((migration) => migration.destination_propolis_id === id);
}

/** Whether the VMM is neither linked nor deleted, so that it still has to be terminated or deleted. */
export function isLeftOver(state: Snapshot, id: string): boolean {
  const vmm = vmmOf(state, id);
  return vmm?.time_deleted === null && vmm.time_unlinked !== null;
}

/** Whether the guest has run in the VMM: by a report, or because a side of a migration to the VMM completed. */
export function hadBeenRunning({ migrations }: Snapshot, { id, time_started }: VmmRow): boolean {
  const isProof = (m: MigrationRow): boolean =>
    m.destination_propolis_id === id &&
    (m.source_state === "completed" || m.destination_state === "completed");
  return time_started !== null || migrations.some(isProof);
}
