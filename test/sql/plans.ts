import type postgres from "postgres";
import {
  beginStart,
  unwindStart,
  type IntendedState,
  type InstanceState,
  type MigrationState,
  type BeginStartArguments,
  type ReportedVmmState,
  type VmmAddress,
} from "../../src/index.js";
import {
  addressesOf,
  addressOf,
  anotherStart,
  applied,
  handedOver,
  migrating,
  rowOf,
  running,
  say,
  saying,
  starting,
  unwound,
  unwoundMigration,
  type InstanceRow,
  type Scenario,
} from "./scenario.js";

/** A VMM of a scenario: `A` was there first, `T` is the destination, `B` replaced an unwound `A`. */
type Name = "A" | "T" | "B";

interface Expected {
  /** The active VMM afterwards. */
  active: Name | null;
  /** Whether destination and migration stay linked. Default: no. */
  keepsMigration?: true;
  state: InstanceState;
  intent: IntendedState;
  network: "keep" | "move" | "delete";
  unlinked: Name[];
  terminate: Name[];
  /** What the instance shows afterwards. */
  shows: InstanceRow["apiState"];
}

/** A situation and what the update saga makes of it. */
export interface PlanCase {
  title: string;
  reach: Reach;
  plan: Expected;
}

export interface Situation extends Scenario {
  /** The start of the VMM called `B`, if there is one. */
  replacement?: BeginStartArguments;
}

type Reach = (sql: postgres.Sql) => Promise<Situation>;
type Step = ["active" | "destination", ReportedVmmState, MigrationState?];

const STAYS: Pick<Expected, "state" | "intent"> = { state: "vmm", intent: "running" };
const LOST: Omit<Expected, "unlinked" | "terminate"> = {
  active: null,
  state: "failed",
  intent: "running",
  network: "delete",
  shows: "failed",
};
const ENDED: Omit<Expected, "unlinked" | "terminate"> = { ...LOST, state: "no_vmm", shows: "stopped" };
const SHUT_DOWN: Omit<Expected, "unlinked" | "terminate"> = { ...ENDED, intent: "guest_shutdown" };

const neverRan: Reach = async (sql) => {
  const s = await starting(sql);
  await say(sql, s, "active", "destroyed");
  return { ...s, row: rowOf(s, "stopping", 3, s.propolisId) };
};

const completedAfterHandOver: Reach = async (sql) => {
  const s = await handedOver(sql);
  await say(sql, s, "destination", "running", "completed");
  return s;
};

const lostAfterHandOver: Reach = async (sql) => {
  const s = await handedOver(sql);
  await say(sql, s, "destination", "migrating", "failed");
  return s;
};

const shutDownAfterHandOver: Reach = async (sql) => {
  const s = await handedOver(sql);
  await say(sql, s, "destination", "running");
  await say(sql, s, "destination", "destroyed");
  return s;
};

const unwoundSource: Reach = async (sql) => {
  const s = await migrating(sql);
  await applied(unwindStart(sql, s.start));
  return { ...s, row: rowOf(s, "stopped", 4, s.propolisId, s.destinationId) };
};

const replacedSource: Reach = async (sql) => {
  const s = await migrating(sql);
  await applied(unwindStart(sql, s.start));
  const start = anotherStart(s);
  await applied(beginStart(sql, start));
  return { ...s, replacement: start, row: rowOf(s, "starting", 5, start.propolisId, s.destinationId) };
};

/** A VMM that ran, and whose last report was this state. */
function lastReported(state: ReportedVmmState): Reach {
  return (sql) => saying(sql, state);
}

/** A migration under way and what was reported since. */
function during(...steps: Step[]): Reach {
  return async (sql) => {
    const s = await migrating(sql);
    for (const step of steps) await say(sql, s, ...step);
    return s;
  };
}

/** Situations in which no id would change, by the verdict on their migration. */
export const NO_PLANS: [string, Reach][] = [
  ["none: the VMM is starting", starting],
  ["none: the VMM is running", running],
  ["none: the VMM is stopping", lastReported("stopping")],
  ["none: the VMM is stopped", lastReported("stopped")],
  ["in_progress: no side was reported yet", migrating],
  [
    "in_progress: both sides report in_progress",
    during(["destination", "migrating", "in_progress"], ["active", "running", "in_progress"]),
  ],
  [
    "in_progress: the source VMM is dead, the destination's side is not ended",
    during(["active", "destroyed"]),
  ],
  ["handed_over: the destination VMM is active and has not reported completed", handedOver],
];

/** Situations in which ids change, by the verdict on their migration. */
export const PLANS: PlanCase[] = [
  {
    title: "none: the VMM failed",
    reach: lastReported("failed"),
    plan: { ...LOST, unlinked: ["A"], terminate: [] },
  },
  {
    title: "none: the VMM is destroyed after it ran, so the guest shut down",
    reach: lastReported("destroyed"),
    plan: { ...SHUT_DOWN, unlinked: ["A"], terminate: [] },
  },
  {
    title: "none: the VMM is destroyed and never ran",
    reach: neverRan,
    plan: { ...ENDED, unlinked: ["A"], terminate: [] },
  },
  {
    title: "none: the VMM is unwound",
    reach: unwound,
    plan: { ...ENDED, unlinked: ["A"], terminate: [] },
  },
  {
    title: "handed_over: the source reported completed",
    reach: during(["destination", "migrating", "in_progress"], ["active", "running", "completed"]),
    plan: {
      ...STAYS,
      active: "T",
      keepsMigration: true,
      network: "move",
      unlinked: ["A"],
      terminate: [],
      shows: "migrating",
    },
  },
  {
    title: "handed_over: the source reported completed and is destroyed",
    reach: during(["active", "destroyed", "completed"]),
    plan: {
      ...STAYS,
      active: "T",
      keepsMigration: true,
      network: "move",
      unlinked: ["A"],
      terminate: [],
      shows: "migrating",
    },
  },
  {
    title: "completed: the guest runs on the destination",
    reach: during(["destination", "running", "completed"]),
    plan: { ...STAYS, active: "T", network: "move", unlinked: ["A"], terminate: [], shows: "running" },
  },
  {
    title: "completed: the source failed afterwards and is dead",
    reach: during(["destination", "running", "completed"], ["active", "failed", "failed"]),
    plan: { ...STAYS, active: "T", network: "move", unlinked: ["A"], terminate: [], shows: "running" },
  },
  {
    title: "completed: after the hand-over only the migration is cleared",
    reach: completedAfterHandOver,
    plan: { ...STAYS, active: "T", network: "keep", unlinked: [], terminate: [], shows: "running" },
  },
  {
    title: "completed: the destination failed afterwards; the source ends by itself",
    reach: during(["destination", "running", "completed"], ["destination", "failed"]),
    plan: { ...LOST, unlinked: ["A", "T"], terminate: [] },
  },
  {
    title: "completed: the guest shut down on the destination",
    reach: during(["destination", "running", "completed"], ["destination", "destroyed"]),
    plan: { ...SHUT_DOWN, unlinked: ["A", "T"], terminate: [] },
  },
  {
    title: "failed: the source runs and reports failed, the destination completed",
    reach: during(["destination", "running", "completed"], ["active", "running", "failed"]),
    plan: { ...STAYS, active: "A", network: "keep", unlinked: ["T"], terminate: ["T"], shows: "running" },
  },
  {
    title: "failed: the destination reports failed",
    reach: during(["destination", "migrating", "failed"]),
    plan: { ...STAYS, active: "A", network: "keep", unlinked: ["T"], terminate: ["T"], shows: "running" },
  },
  {
    title: "failed: the destination VMM failed",
    reach: during(["destination", "failed", "in_progress"]),
    plan: { ...STAYS, active: "A", network: "keep", unlinked: ["T"], terminate: [], shows: "running" },
  },
  {
    title: "failed: the migration was unwound",
    reach: unwoundMigration,
    plan: { ...STAYS, active: "A", network: "keep", unlinked: ["T"], terminate: [], shows: "running" },
  },
  {
    title: "failed: both VMMs failed",
    reach: during(["destination", "failed"], ["active", "failed"]),
    plan: { ...LOST, unlinked: ["A", "T"], terminate: [] },
  },
  {
    title: "failed: the guest shut down on the source meanwhile",
    reach: during(["active", "destroyed"], ["destination", "starting", "failed"]),
    plan: { ...SHUT_DOWN, unlinked: ["A", "T"], terminate: ["T"] },
  },
  {
    title: "failed: the source had completed and the destination failed, so the guest is lost",
    reach: during(["destination", "migrating", "failed"], ["active", "running", "completed"]),
    plan: { ...LOST, unlinked: ["A", "T"], terminate: ["A", "T"] },
  },
  {
    title: "failed: the source had completed and the destination VMM is destroyed, so the guest shut down",
    reach: during(["active", "running", "completed"], ["destination", "destroyed"]),
    plan: { ...SHUT_DOWN, unlinked: ["A", "T"], terminate: ["A"] },
  },
  {
    title: "failed: the guest is lost after the hand-over",
    reach: lostAfterHandOver,
    plan: { ...LOST, unlinked: ["T"], terminate: ["T"] },
  },
  {
    title: "failed: the guest shut down after the hand-over",
    reach: shutDownAfterHandOver,
    plan: { ...SHUT_DOWN, unlinked: ["T"], terminate: [] },
  },
  {
    title: "void: the source's start was unwound",
    reach: unwoundSource,
    plan: { ...ENDED, unlinked: ["A", "T"], terminate: ["T"] },
  },
  {
    title: "void: another VMM replaced the source",
    reach: replacedSource,
    plan: { ...STAYS, active: "B", network: "keep", unlinked: ["T"], terminate: ["T"], shows: "starting" },
  },
];

function idOf(s: Situation, name: Name): string {
  return { A: s.propolisId, T: s.destinationId, B: s.replacement?.propolisId ?? "" }[name];
}

function vmmsOf(s: Situation, names: readonly Name[]): VmmAddress[] {
  return names.flatMap((name) =>
    name === "B" ? (s.replacement ? [addressOf(s.replacement)] : []) : addressesOf(s, [idOf(s, name)]),
  );
}

/** The plan in the columns that every verb of the update saga answers. */
export function planColumns(s: Situation, plan: Expected): object {
  const active = plan.active === null ? null : idOf(s, plan.active);
  return {
    newState: plan.state,
    newActivePropolisId: active,
    newDestinationPropolisId: plan.keepsMigration ? s.destinationId : null,
    newMigrationId: plan.keepsMigration ? s.migrationId : null,
    newIntendedState: plan.intent,
    network: plan.network,
    networkPropolisId: active,
    unlinkedPropolisIds: plan.unlinked.map((name) => idOf(s, name)),
    terminatePropolisIds: plan.terminate.map((name) => idOf(s, name)),
    networkVmm: plan.active === null ? null : vmmsOf(s, [plan.active])[0],
    unlinkedVmms: vmmsOf(s, plan.unlinked),
    terminateVmms: vmmsOf(s, plan.terminate),
  };
}

/** The columns of the instance once the plan is applied. */
export function rowAfter(s: Situation, plan: Expected): InstanceRow {
  const active = plan.active === null ? null : idOf(s, plan.active);
  const destination = plan.keepsMigration ? s.destinationId : null;
  return rowOf(s, plan.shows, s.row.stateGeneration + 1, active, destination);
}

/** The plan columns when there is nothing to do: all as it is. */
export function noPlanColumns(s: Scenario): object {
  const { row } = s;
  const [networkVmm = null] = row.activePropolisId === null ? [] : addressesOf(s, [row.activePropolisId]);
  return {
    newState: row.state,
    newActivePropolisId: row.activePropolisId,
    newDestinationPropolisId: row.destinationPropolisId,
    newMigrationId: row.migrationId,
    network: "keep",
    networkPropolisId: row.activePropolisId,
    unlinkedPropolisIds: [],
    terminatePropolisIds: [],
    networkVmm,
    unlinkedVmms: [],
    terminateVmms: [],
  };
}

/** The columns of the update saga's verbs when there is no such instance. */
export const NO_PLAN_ROW = {
  updaterId: null,
  updaterGeneration: null,
  updaterLeaseUntil: null,
  newState: null,
  newActivePropolisId: null,
  newDestinationPropolisId: null,
  newMigrationId: null,
  newIntendedState: null,
  network: null,
  networkPropolisId: null,
  unlinkedPropolisIds: null,
  terminatePropolisIds: null,
  networkVmm: null,
  unlinkedVmms: null,
  terminateVmms: null,
  planToken: null,
} as const;
