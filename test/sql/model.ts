// The two decisions as their tables state them, independent of the SQL: decisions.test.ts compares.

import type {
  ApiInstanceState,
  InstanceState,
  IntendedState,
  MigrationState,
  MigrationVerdict,
  VmmState,
} from "../../src/client/generated.js";

/** Where the active VMM stands in the linked migration. */
export type Topology = "none" | "source" | "destination" | "neither";

/** One of the two VMMs that an instance may name: the active one, or the destination when that is another one. */
export type Vmm = "A" | "T";

/**
 * All that the decisions depend on. As the destination of its own migration, the active VMM is A and T in one.
 * `aStarted` and `tStarted`: whether the VMM had been running.
 */
export interface Input {
  // a and t: the states of A and T; s and d: those of the source side and the destination side, as in docs/model.md.
  state: InstanceState;
  intent: IntendedState;
  topology: Topology;
  a: VmmState | null;
  aStarted: boolean | null;
  t: VmmState | null;
  tStarted: boolean | null;
  s: MigrationState | null;
  d: MigrationState | null;
}

export interface Plan {
  needed: boolean;
  verdict: MigrationVerdict;
  state: InstanceState;
  active: Vmm | null;
  destination: Vmm | null;
  migration: boolean;
  intent: IntendedState;
  network: "keep" | "move" | "delete";
  unlinked: Vmm[];
  terminate: Vmm[];
}

export const dead = (state: VmmState | null): boolean =>
  state === "failed" || state === "destroyed" || state === "saga_unwound";
export const alive = (state: VmmState | null): boolean => state !== null && !dead(state);

export const stateOf = ({ a, t }: Input, vmm: Vmm): VmmState | null => (vmm === "A" ? a : t);

const EFFECTIVE: Record<Exclude<VmmState, "saga_unwound">, ApiInstanceState> = {
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

export function effectiveState({ state, topology, a, t }: Input): ApiInstanceState | null {
  if (state === "no_vmm") return "stopped";
  if (state !== "vmm") return state;
  if (a === "saga_unwound") return "stopped";
  const migrating = (topology === "source" || topology === "destination") && t !== "saga_unwound";
  if (migrating) return "migrating";
  return a === null ? null : EFFECTIVE[a];
}

function verdictOf({ topology, a, t, s, d }: Input): MigrationVerdict {
  if (topology !== "none" && (a === "saga_unwound" || topology === "neither")) return "void";
  if (topology === "none") return "none";
  if (d === "completed" && !(s === "failed" && alive(a))) return "completed";
  if (d === "failed" || s === "failed" || dead(t)) return "failed";
  if (s === "completed") return "handed_over";
  return "in_progress";
}

function newActive(verdict: MigrationVerdict, { a, t, s, topology }: Input): Vmm | null {
  const destination: Vmm = topology === "destination" ? "A" : "T";
  switch (verdict) {
    case "in_progress":
      return "A";
    case "handed_over":
      return destination;
    case "completed":
      return alive(t) ? destination : null;
    case "failed":
      return s !== "completed" && alive(a) ? "A" : null;
    case "none":
    case "void":
      return alive(a) ? "A" : null;
  }
}

export function planOf(input: Input): Plan {
  const { state, intent, topology, a, t, s } = input;
  const verdict = verdictOf(input);
  const active = newActive(verdict, input);

  const kept = verdict === "in_progress" || verdict === "handed_over";
  const oldDestination = topology === "none" ? null : topology === "destination" ? "A" : "T";
  const destination = kept ? oldDestination : null;
  const oldActive = a === null ? null : "A";

  const went = verdict === "completed" || (s === "completed" && verdict !== "void");
  const carrier = went ? t : a;
  // whatever came through a migration ran; one that ended on the way there had run where it came from
  const guestRan = verdict === "completed" || input.aStarted === true || (went && input.tStarted === true);
  const lost = verdict === "failed" && s === "completed" && alive(t);
  const stateWithout = carrier === "failed" || lost ? "failed" : "no_vmm";
  const shutDown = active === null && carrier === "destroyed" && guestRan && intent === "running";

  const linked = new Set([oldActive, oldDestination]);
  const unlinked = (["A", "T"] as const).filter(
    (vmm) => linked.has(vmm) && vmm !== active && vmm !== destination,
  );
  const endsByItself = verdict === "completed" || verdict === "handed_over" ? "A" : null;
  return {
    needed: active !== oldActive || destination !== oldDestination,
    verdict,
    state: state !== "vmm" ? state : active === null ? stateWithout : "vmm",
    active,
    destination,
    migration: kept,
    intent: shutDown ? "guest_shutdown" : intent,
    network: active === oldActive ? "keep" : active === null ? "delete" : "move",
    unlinked,
    terminate: unlinked.filter((vmm) => alive(stateOf(input, vmm)) && vmm !== endsByItself),
  };
}

/**
 * What the rows of an instance say, for the plan: the destination of a migration of which a side completed had a guest
 * that ran, though no agent ever said so.
 */
export function asRowsSay(input: Input): Input {
  const { topology, s, d } = input;
  if (s !== "completed" && d !== "completed") return input;
  return { ...input, tStarted: true, aStarted: topology === "destination" ? true : input.aStarted };
}

/** What an instance becomes when its plan is carried out and nothing else happens. */
export function afterPlan(input: Input, plan: Plan): Input {
  const moved = plan.active === "T";
  const active = plan.active === null ? null : moved ? input.t : input.a;
  const activeStarted = plan.active === null ? null : moved ? input.tStarted : input.aStarted;
  const next = { ...input, state: plan.state, intent: plan.intent, a: active, aStarted: activeStarted };
  if (plan.migration) return { ...next, topology: moved ? "destination" : input.topology };
  return { ...next, topology: "none", t: null, tStarted: null, s: null, d: null };
}
