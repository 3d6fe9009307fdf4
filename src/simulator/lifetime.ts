import type { InstanceState, IntendedState } from "../client/generated.js";
import type { Random } from "./random.js";
import type { Instance, Migration, Vmm } from "./model.js";
import type { TraceVm } from "./trace.js";

/** What happens to a VM at one point of the trace's clock. */
export interface Step {
  kind: "arrive" | "migrate" | "fail" | "reboot" | "restart" | "leave";
  /** Seconds of the trace's clock. */
  at: number;
}

/** Probabilities. */
export interface Rates {
  /** How likely each fault is. */
  failRate: number;
  /** How likely a VM migrates, and after each migration once more. */
  migrateRate: number;
}

/** How often a VM may be restarted automatically, as its policy and its cooldown have it. */
export type Restarts = "freely" | "once" | "never";

/** Within this time after its arrival, a VM that never leaves has its other steps. */
const DAY_S = 86_400;
/** So that a migrate rate of 1 ends, too. */
const MOST_MIGRATIONS = 3;

/** One VM of the trace between its steps, as the database must have it. */
export class Lifetime implements Instance {
  state: InstanceState = "creating";
  generation = 1;
  updaterGeneration = 1;
  intent: IntendedState = "running";
  active: Vmm | undefined;
  migration: Migration | undefined;
  /** VMMs that lost their link and are not deleted yet; none between two steps. */
  unlinkedVmms: Vmm[] = [];
  /** Migrations that lost their link and are not deleted yet; none between two steps. */
  unlinkedMigrations: Migration[] = [];
  restarts: Restarts = "freely";
  wasRestarted = false;
  /** Automatic restarts since the last start by a user. */
  restartsInARow = 0;
  /** How many ids were derived for the VM so far. */
  ids = 0;

  constructor(
    readonly index: number,
    readonly instanceId: string,
    readonly projectId: string,
    readonly steps: readonly Step[],
  ) {}
}

/** Lists all steps of a VM, in order; a VM that runs for ever does not leave. */
export function stepsOf({ arrival, duration }: TraceVm, random: Random, rates: Rates): Step[] {
  const between = (): number => arrival + random.next() * (duration ?? DAY_S);
  const steps: Step[] = [];
  for (let n = 0; n < MOST_MIGRATIONS && random.happens(rates.migrateRate); n++)
    steps.push({ kind: "migrate", at: between() });
  for (const kind of ["fail", "reboot", "restart"] as const)
    if (random.happens(rates.failRate)) steps.push({ kind, at: between() });
  steps.sort((a, b) => a.at - b.at);
  if (duration !== undefined) steps.push({ kind: "leave", at: arrival + duration });
  return [{ kind: "arrive", at: arrival }, ...steps];
}
