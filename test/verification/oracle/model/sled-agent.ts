import type { MigrationState, Outcome, ReportVmmArguments } from "../../../../src/client/generated.js";
import { dead } from "../../../sql/model.js";
import type { Answer, Step } from "./step.js";
import { migrationOf, type MigrationRow, type Time, vmmOf, type VmmRow, type World, write } from "./world.js";
import { ON_REPORTED_SIDES, ON_REPORTED_VMM } from "./documented.js";

/** Every outcome and reason that a verb of this file may answer. */
export const ANSWERS = {
  report_vmm: [...ON_REPORTED_VMM, ...ON_REPORTED_SIDES, "update needed"],
  report_vmms: [...ON_REPORTED_VMM, ...ON_REPORTED_SIDES, "update needed"],
} as const;

/** Judges the part on the VMM, then those on its migrations, each by itself. */
export function reportVmm(world: World, a: ReportVmmArguments): Step {
  const vmm = reportOfVmm(world, a);
  const sides = reportOfSides(vmm.world, a);
  const updateNeeded = vmm.answer["updateNeeded"] === true || sides.answer["updateNeeded"] === true;
  return { world: sides.world, answer: { ...vmm.answer, ...sides.answer, updateNeeded } };
}

/** Applies reports one after the other. The VMMs of the `missed` ones did not exist yet. */
export function reportVmms(
  world: World,
  reports: readonly ReportVmmArguments[],
  missed: ReadonlySet<ReportVmmArguments> = new Set(),
): Step {
  const rows: Answer[] = [];
  let after = world;
  for (const [index, report] of reports.entries()) {
    const { instanceId, propolisId } = report;
    const step = missed.has(report) ? reportOfMissedVmm(after, report) : reportVmm(after, report);
    rows.push({ ordinal: index + 1, instanceId, propolisId, ...step.answer });
    after = step.world;
  }
  return { world: after, answer: { rows } };
}

function reportOfMissedVmm(world: World, report: ReportVmmArguments): Step {
  const sides = reportOfSides(world, report);
  return { world: sides.world, answer: { ...shownVmm("not_found", undefined, false), ...sides.answer } };
}

export function reportOfVmm(world: World, a: ReportVmmArguments): Step {
  const before = vmmOf(world, a.instanceId, a.propolisId);
  const vmmOutcome = judgedVmm(before, a.generation);
  if (!before || vmmOutcome !== "applied") return { world, answer: shownVmm(vmmOutcome, before, false) };
  const vmm: VmmRow = {
    ...before,
    state: a.state,
    stateGeneration: a.generation,
    timeStateUpdated: text(a.time),
    timeReported: world.now,
    timeStarted: before.timeStarted ?? (isProofOfRunning(before, a.state) ? world.now : null),
    failureReason: a.state === "failed" ? "sled_agent_report" : null,
  };
  const updateNeeded = vmm.timeUnlinked === null && dead(vmm.state);
  return { world: write(world, { vmms: [vmm] }), answer: shownVmm(vmmOutcome, vmm, updateNeeded) };
}

/** Whether a report proves that the guest has run; a destination is migrating before its guest runs. */
function isProofOfRunning({ migrationId }: VmmRow, state: ReportVmmArguments["state"]): boolean {
  if (state === "migrating") return migrationId === null;
  return state === "running" || state === "rebooting";
}

function shownVmm(vmmOutcome: Outcome, vmm: VmmRow | undefined, updateNeeded: boolean): Answer {
  const { state = null, stateGeneration = null } = vmm ?? {};
  return { vmmOutcome, state, stateGeneration, updateNeeded };
}

function judgedVmm(vmm: VmmRow | undefined, generation: number): Outcome {
  if (!vmm) return "not_found";
  if (vmm.timeDeleted !== null) return "gone";
  if (dead(vmm.state)) return "terminal";
  return generation > vmm.stateGeneration ? "applied" : "stale";
}

/** Judges the parts on migrations alone. */
export function reportOfSides(world: World, a: ReportVmmArguments): Step {
  const into = reportOfSide(world, a, "destination", {
    id: a.migrationInId,
    state: a.migrationInState,
    generation: a.migrationInGeneration,
    time: a.migrationInTime,
  });
  const outOf = reportOfSide(into.world, a, "source", {
    id: a.migrationOutId,
    state: a.migrationOutState,
    generation: a.migrationOutGeneration,
    time: a.migrationOutTime,
  });
  return {
    world: outOf.world,
    answer: {
      migrationInOutcome: into.outcome,
      migrationOutOutcome: outOf.outcome,
      updateNeeded: into.isDecisive || outOf.isDecisive,
    },
  };
}

interface Side {
  id: string | null | undefined;
  state: MigrationState | null | undefined;
  generation: number | null | undefined;
  time: Date | string | null | undefined;
}

interface SideStep {
  world: World;
  outcome: Outcome | null;
  /** Whether the report ended a side of the linked migration. */
  isDecisive: boolean;
}

function reportOfSide(
  world: World,
  { instanceId, propolisId }: ReportVmmArguments,
  name: "source" | "destination",
  { id, state, generation, time }: Side,
): SideStep {
  if (!id || !state || !generation || !time) return { world, outcome: null, isDecisive: false };
  const migration = migrationOf(world, instanceId, id);
  const outcome = judgedSide(migration, propolisId, name, generation);
  if (!migration || outcome !== "applied") return { world, outcome, isDecisive: false };
  const side: Partial<MigrationRow> =
    name === "source"
      ? { sourceState: state, sourceGeneration: generation, timeSourceUpdated: text(time) }
      : { destinationState: state, destinationGeneration: generation, timeDestinationUpdated: text(time) };
  const written: MigrationRow = { ...migration, ...side, timeReported: world.now };
  const isLinked = world.instances[instanceId]?.migrationId === id;
  return {
    world: write(world, { migrations: [written] }),
    outcome,
    isDecisive: isLinked && isEnded(state),
  };
}

function judgedSide(
  migration: MigrationRow | undefined,
  propolisId: string,
  name: "source" | "destination",
  generation: number,
): Outcome {
  if (!migration) return "not_found";
  if (migration.timeDeleted !== null) return "gone";
  if (migration[`${name}PropolisId`] !== propolisId) return "wrong_side";
  if (generation <= migration[`${name}Generation`]) return "stale";
  return isEnded(migration[`${name}State`]) ? "terminal" : "applied";
}

function isEnded(state: MigrationState): boolean {
  return state === "failed" || state === "completed";
}

function text(time: Date | string): Time {
  return new Date(time).toISOString();
}
