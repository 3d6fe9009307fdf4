import type { MigrationState, VmmState } from "../../../src/index.js";
import type { ListedInstance, VmmKey } from "./alternative.js";

/** The rows as they are stored, and only the columns that an application needs. */
export interface Vmm {
  instance_id: string;
  id: string;
  sled_id: string;
  propolis_ip: string;
  propolis_port: number;
  saga_id: string;
  state: VmmState;
  state_generation: number;
  time_state_updated: Date;
  time_started: Date | null;
  time_deleted: Date | null;
}

export interface Instance {
  id: string;
  project_id: string;
  name: string;
  state: "creating" | "no_vmm" | "vmm" | "failed" | "destroyed";
  state_generation: number;
  time_state_updated: Date;
  active_propolis_id: string | null;
  destination_propolis_id: string | null;
  migration_id: string | null;
  intended_state: "running" | "stopped" | "guest_shutdown" | "destroyed";
  time_deleted: Date | null;
}

export interface MigrationRow {
  instance_id: string;
  id: string;
  saga_id: string;
  source_propolis_id: string;
  source_state: MigrationState;
  source_generation: number;
  time_source_updated: Date;
  destination_propolis_id: string;
  destination_state: MigrationState;
  destination_generation: number;
  time_destination_updated: Date;
  time_deleted: Date | null;
}

export type NewVmm = Pick<
  Vmm,
  "instance_id" | "id" | "sled_id" | "propolis_ip" | "propolis_port" | "saga_id"
>;
export type NewMigration = Pick<
  MigrationRow,
  "instance_id" | "id" | "saga_id" | "source_propolis_id" | "destination_propolis_id"
>;

/** The columns of a row that an update may change, besides its version. */
export type VmmChanges = Partial<
  Pick<Vmm, "state" | "state_generation" | "time_state_updated" | "time_started" | "time_deleted">
>;
export type InstanceChanges = Partial<Omit<Instance, "id" | "project_id" | "name" | "state_generation">>;
export type MigrationChanges = Partial<Omit<MigrationRow, keyof NewMigration>>;

/**
 * Access to the rows through one library.
 *
 * An update names the row as it was read, and answers false when another writer has changed the row since. The version is `state_generation`; of a migration, both of its generations.
 */
export interface Store {
  transaction: <T>(work: (store: Store) => Promise<T>) => Promise<T>;
  /** Reads one row and writes it: with a version, that needs no transaction. */
  single: <T>(work: (store: Store) => Promise<T>) => Promise<T>;
  vmm: (key: VmmKey) => Promise<Vmm>;
  vmms: (keys: readonly VmmKey[]) => Promise<Vmm[]>;
  instance: (id: string) => Promise<Instance>;
  migration: (instanceId: string, id: string) => Promise<MigrationRow>;
  insertVmm: (vmm: NewVmm) => Promise<void>;
  insertMigration: (migration: NewMigration) => Promise<void>;
  updateVmm: (before: Vmm, changes: VmmChanges) => Promise<boolean>;
  /** Raises `state_generation` by one. */
  updateInstance: (before: Instance, changes: InstanceChanges) => Promise<boolean>;
  updateMigration: (before: MigrationRow, changes: MigrationChanges) => Promise<boolean>;
  /** Soft-deletes the migrations that name the VMM. */
  deleteMigrations: (key: VmmKey) => Promise<void>;
  listProject: (projectId: string) => Promise<ListedInstance[]>;
}

/** Returns the row; throws if there is none. */
export function found<T>(row: T | undefined | null): T {
  if (row === undefined || row === null) throw new Error("there is no such row");
  return row;
}
