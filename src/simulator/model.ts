import type {
  ApiInstanceState,
  InstanceState,
  IntendedState,
  MigrationState,
  Outcome,
  ReportedVmmState,
  VmmState,
} from "../client/generated.js";

/** A VMM as it must stand in the database. */
export interface Vmm {
  readonly id: string;
  readonly sagaId: string;
  readonly sledId: string;
  /** No other VMM is on its sled, so the whole sled may fail. */
  readonly isAlone: boolean;
  /** Which kind of saga created it. */
  readonly cameBy: "start" | "migration";
  state: VmmState;
  generation: number;
  wasRunning: boolean;
  isLinked: boolean;
  isDeleted: boolean;
}

/** One side of a migration. */
export interface Side {
  state: MigrationState;
  generation: number;
}

/** A migration as it must stand in the database. */
export interface Migration {
  readonly id: string;
  readonly sagaId: string;
  readonly source: Vmm;
  readonly destination: Vmm;
  readonly sourceSide: Side;
  readonly destinationSide: Side;
  isLinked: boolean;
  isDeleted: boolean;
}

/** An instance as it must stand in the database. */
export interface Instance {
  state: InstanceState;
  generation: number;
  updaterGeneration: number;
  intent: IntendedState;
  active: Vmm | undefined;
  migration: Migration | undefined;
}

/** What a sled agent says of one VMM. */
export interface Report {
  readonly instanceId: string;
  readonly vmm: Vmm;
  readonly state: ReportedVmmState;
  readonly generation: number;
  readonly time: Date;
  readonly migrationIn?: SideReport | undefined;
  readonly migrationOut?: SideReport | undefined;
}

/** What a report says of the side that its VMM has in a migration. */
export interface SideReport extends Side {
  readonly migration: Migration;
}

/** What may become of a part of a report that names existing rows, and the right ones. */
export type ReportOutcome = Extract<Outcome, "applied" | "stale" | "terminal" | "gone">;

/** What becomes of a report. */
export interface Verdict {
  vmmOutcome: ReportOutcome;
  migrationInOutcome: ReportOutcome | null;
  migrationOutOutcome: ReportOutcome | null;
  updateNeeded: boolean;
}

/** Tells whether a VMM in this state is dead. */
export function isDead({ state }: Vmm): boolean {
  return state === "failed" || state === "destroyed" || state === "saga_unwound";
}

/** Tells whether a side of a migration has ended and stays as it is. */
export function isEnded({ state }: Side): boolean {
  return state === "failed" || state === "completed";
}

/** Derives the state that the user sees. */
export function apiStateOf({ state, active, migration }: Instance): ApiInstanceState {
  if (state === "no_vmm") return "stopped";
  if (active === undefined) return state as Exclude<InstanceState, "no_vmm" | "vmm">;
  if (active.state === "saga_unwound") return "stopped";
  if (migration !== undefined && isPart(active, migration) && migration.destination.state !== "saga_unwound")
    return "migrating";
  return apiStateOfActive[active.state];
}

const apiStateOfActive: Record<Exclude<VmmState, "saga_unwound">, ApiInstanceState> = {
  creating: "starting",
  starting: "starting",
  running: "running",
  stopping: "stopping",
  stopped: "stopping",
  rebooting: "rebooting",
  migrating: "migrating",
  failed: "stopping",
  destroyed: "stopping",
};

function isPart(vmm: Vmm, { source, destination }: Migration): boolean {
  return vmm === source || vmm === destination;
}

/** Derives what the database must answer to a report that comes now. */
export function expectedVerdict({ vmm, state, generation, migrationIn, migrationOut }: Report): Verdict {
  const vmmOutcome = expectedVmmOutcome(vmm, generation);
  const migrationInOutcome = migrationIn ? expectedSideOutcome(migrationIn, "destinationSide") : null;
  const migrationOutOutcome = migrationOut ? expectedSideOutcome(migrationOut, "sourceSide") : null;
  const kills = vmmOutcome === "applied" && vmm.isLinked && (state === "failed" || state === "destroyed");
  const ends = (outcome: ReportOutcome | null, side: SideReport | undefined): boolean =>
    outcome === "applied" && side !== undefined && isEnded(side) && side.migration.isLinked;
  return {
    vmmOutcome,
    migrationInOutcome,
    migrationOutOutcome,
    updateNeeded: kills || ends(migrationInOutcome, migrationIn) || ends(migrationOutOutcome, migrationOut),
  };
}

/** Applies a report with this verdict to the model. */
export function applyReport(
  report: Report,
  { vmmOutcome, migrationInOutcome, migrationOutOutcome }: Verdict,
): void {
  const { vmm, state, generation, migrationIn, migrationOut } = report;
  if (vmmOutcome === "applied") {
    vmm.state = state;
    vmm.generation = generation;
    vmm.wasRunning ||= showsGuest(report);
  }
  if (migrationIn && migrationInOutcome === "applied")
    applySide(migrationIn.migration, "destinationSide", migrationIn);
  if (migrationOut && migrationOutOutcome === "applied")
    applySide(migrationOut.migration, "sourceSide", migrationOut);
}

/**
 * Applies a report of a side.
 *
 * Once a side has completed, the guest has run, wherever it is.
 */
function applySide(
  migration: Migration,
  name: "sourceSide" | "destinationSide",
  { state, generation }: SideReport,
): void {
  Object.assign(migration[name], { state, generation });
  migration.destination.wasRunning ||= state === "completed";
}

/**
 * Tells whether a report shows that the guest ran in the VMM.
 *
 * Agents report the latest state, not each. The destination of a migration reports `migrating` before the guest
 * arrives.
 */
function showsGuest({ vmm, state }: Report): boolean {
  return state === "running" || state === "rebooting" || (state === "migrating" && vmm.cameBy === "start");
}

function expectedVmmOutcome(vmm: Vmm, generation: number): ReportOutcome {
  if (vmm.isDeleted) return "gone";
  if (isDead(vmm)) return "terminal";
  return generation > vmm.generation ? "applied" : "stale";
}

function expectedSideOutcome(
  { migration, generation }: SideReport,
  side: "sourceSide" | "destinationSide",
): ReportOutcome {
  if (migration.isDeleted) return "gone";
  if (generation <= migration[side].generation) return "stale";
  return isEnded(migration[side]) ? "terminal" : "applied";
}
