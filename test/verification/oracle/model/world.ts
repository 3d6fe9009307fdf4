import type {
  AutoRestartPolicy,
  FailureReason,
  InstanceState,
  IntendedState,
  MigrationState,
  VmmState,
} from "../../../../src/client/generated.js";

/**
 * A point in time: what a sled agent reported (text), or ticks of the model's own clock, one for each write.
 */
export type Time = string | number;

/** So many ticks that no sequence of calls lasts as long. */
export const HOUR = 1e9;

export interface InstanceRow {
  id: string;
  projectId: string;
  name: string;
  state: InstanceState;
  stateGeneration: number;
  timeStateUpdated: Time;
  activePropolisId: string | null;
  destinationPropolisId: string | null;
  migrationId: string | null;
  intendedState: IntendedState;
  autoRestartPolicy: AutoRestartPolicy | null;
  autoRestartCooldown: string | null;
  timeLastAutoRestarted: number | null;
  autoRestartAttempts: number;
  updaterId: string | null;
  updaterGeneration: number;
  updaterLeaseUntil: number | null;
  /** The saga that handed the lock over to the updater. */
  updaterParentId: string | null;
  committedUpdaterGeneration: number | null;
  committedUpdaterId: string | null;
  committedPlanToken: string | null;
  /** The saga that held the lock when it was released. */
  releasedUpdaterId: string | null;
  /** When it was released last without a commit. */
  timeUpdaterReleased: number | null;
  timeCreated: Time;
  timeModified: Time;
  timeDeleted: Time | null;
}

export interface VmmRow {
  instanceId: string;
  id: string;
  sledId: string;
  propolisIp: string;
  propolisPort: number;
  sagaId: string;
  state: VmmState;
  stateGeneration: number;
  timeStateUpdated: Time;
  timeReported: number | null;
  timeStarted: number | null;
  failureReason: FailureReason | null;
  timeUnlinked: Time | null;
  timeCreated: Time;
  timeDeleted: Time | null;
  /** The migration that it is the destination of, purged or not. */
  migrationId: string | null;
}

export interface MigrationRow {
  instanceId: string;
  id: string;
  sagaId: string;
  sourcePropolisId: string;
  sourceState: MigrationState;
  sourceGeneration: number;
  timeSourceUpdated: Time;
  destinationPropolisId: string;
  destinationState: MigrationState;
  destinationGeneration: number;
  timeDestinationUpdated: Time;
  timeReported: number | null;
  timeCreated: Time;
  timeDeleted: Time | null;
}

/** The last report of a sled about itself. */
export interface SledRow {
  sledId: string;
  timeReported: number;
  timeAgreed: number | null;
  vmmCount: number;
}

type ById<T> = Readonly<Record<string, Readonly<T>>>;

/** All rows at one moment. A world never changes: each write makes another one. */
export interface World {
  /** When the next write happens. */
  now: number;
  instances: ById<InstanceRow>;
  vmms: ById<VmmRow>;
  migrations: ById<MigrationRow>;
  sleds: ById<SledRow>;
}

export const NOTHING: World = { now: 1, instances: {}, vmms: {}, migrations: {}, sleds: {} };

export interface Rows {
  instance?: InstanceRow;
  vmms?: readonly VmmRow[];
  migrations?: readonly MigrationRow[];
  sled?: SledRow;
}

/** Makes the world that has these rows in place of their earlier versions. */
export function write(world: World, { instance, vmms = [], migrations = [], sled }: Rows): World {
  const written = {
    now: world.now + 1,
    instances: instance ? { ...world.instances, [instance.id]: instance } : world.instances,
    vmms: { ...world.vmms, ...byId(vmms) },
    migrations: { ...world.migrations, ...byId(migrations) },
    sleds: sled ? { ...world.sleds, [sled.sledId]: sled } : world.sleds,
  };
  return instance
    ? { ...written, vmms: { ...written.vmms, ...relinked(written, instance, world.now) } }
    : written;
}

/** `timeUnlinked` is null exactly while the instance names the VMM. */
function relinked(world: World, instance: InstanceRow, now: number): ById<VmmRow> {
  const isLinked = ({ id }: VmmRow): boolean =>
    id === instance.activePropolisId || id === instance.destinationPropolisId;
  const changed = vmmsOf(world, instance.id).filter((vmm) => isLinked(vmm) !== (vmm.timeUnlinked === null));
  return byId(changed.map((vmm) => ({ ...vmm, timeUnlinked: isLinked(vmm) ? null : now })));
}

function byId<T extends { id: string }>(rows: readonly T[]): ById<T> {
  return Object.fromEntries(rows.map((row) => [row.id, row]));
}

/** The VMM of that id, if it is the instance's. */
export function vmmOf(world: World, instanceId: string, id: string | null): VmmRow | undefined {
  return own(instanceId, id === null ? undefined : world.vmms[id]);
}

/** The migration of that id, if it is the instance's. */
export function migrationOf(world: World, instanceId: string, id: string | null): MigrationRow | undefined {
  return own(instanceId, id === null ? undefined : world.migrations[id]);
}

function own<T extends { instanceId: string }>(instanceId: string, row: T | undefined): T | undefined {
  return row?.instanceId === instanceId ? row : undefined;
}

/**
 * Whether the guest had been running in a linked VMM: reported, or proven by the migration that led there, a side of
 * which completed. That migration is purged only after it was unlinked, and then the VMM got the guest.
 */
export function hadBeenRunning(world: World, { migrationId, timeStarted }: VmmRow): boolean {
  if (timeStarted !== null || migrationId === null) return timeStarted !== null;
  const migration = world.migrations[migrationId];
  return migration === undefined || hasCompleted(migration);
}

export function hasCompleted({ sourceState, destinationState }: MigrationRow): boolean {
  return sourceState === "completed" || destinationState === "completed";
}

/** Oldest first. */
export function vmmsOf(world: World, instanceId: string): VmmRow[] {
  return Object.values(world.vmms).filter((vmm) => vmm.instanceId === instanceId);
}

/** Oldest first. */
export function migrationsOf(world: World, instanceId: string): MigrationRow[] {
  return Object.values(world.migrations).filter((migration) => migration.instanceId === instanceId);
}
