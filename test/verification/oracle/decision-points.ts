import type { Call, Verb } from "./calls.js";
import type { ReportSledArguments, ReportVmmArguments } from "../../../src/index.js";
import { commandColumns } from "./model/instance.js";
import { showInstance } from "./model/plan.js";
import { step } from "./model/rules.js";
import { reportOfSides, reportOfVmm, reportVmms } from "./model/sled-agent.js";
import { isAgreed, reportSled, sledReported } from "./model/sled.js";
import type { Answer, Step } from "./model/step.js";
import { type InstanceRow, vmmOf, type World, write } from "./model/world.js";

/**
 * What a call does at one moment, with the columns of its answer that are decided there; undefined if it cannot happen
 * then. `began` is the world of the call's first moment.
 */
export type DecisionPoint = (world: World, began: World) => Step | undefined;

/** The whole call at one moment. */
export function atOnce(call: Call): DecisionPoint[] {
  return [(world) => step(world, call)];
}

/**
 * A call as the moments that it really has, given what it answered. Whatever it writes, it decides of rows that it holds
 * locked. But some columns only show how rows are that others may write: these are read on the way, in later statements.
 */
export function atDecisionPoints(call: Call, answer: Answer): DecisionPoint[] {
  const { code, outcome, vmmOutcome } = answer;
  // an error is raised before anything is read
  if (code !== undefined) return atOnce(call);
  if (outcome === "not_found" || (outcome === "applied" && HOLDING_ALL.has(call.verb))) return atOnce(call);
  switch (call.verb) {
    case "create_instance":
      return outcome === "conflict"
        ? atOnce(call)
        : [verdictOf(call), shown((world) => showInstance(world, call.a.instanceId))];
    case "report_vmm":
      if (vmmOutcome === "applied") return atOnce(call);
      return [refusedVmm(call.a), (world) => reportOfSides(world, call.a)];
    case "report_vmms":
      return inBatch(call.a, answer);
    case "begin_migration":
      // refused for its links, it holds them
      if (outcome === "conflict") return atOnce(call);
      return holdingInstance(call, call.a.instanceId, [["apiState"]]);
    case "begin_start":
    case "configure_instance":
    case "rename_instance":
    case "commit_update":
    case "unlock_update":
    case "break_update":
      return holdingInstance(call, call.a.instanceId, [["apiState"]]);
    case "request_stop":
    case "request_reboot":
      if (outcome === "conflict") return holdingInstance(call, call.a.instanceId, [["apiState"]]);
      return holdingInstance(call, call.a.instanceId, [["commandPropolisIds", "commandVmms"], ["apiState"]]);
    case "begin_update":
    case "inherit_update":
      return holdingInstance(call, call.a.instanceId, []);
    case "report_sled":
      return inSledReport(call.a);
    default:
      return atOnce(call);
  }
}

/** What they apply to, they hold locked, and so all that they show. */
const HOLDING_ALL: ReadonlySet<Verb> = new Set([
  "create_instance",
  "begin_start",
  "begin_migration",
  "commit_update",
]);

function verdictOf(call: Call): DecisionPoint {
  return (world) => {
    const { outcome, reason } = step(world, call).answer;
    return { world, answer: { outcome, reason } };
  };
}

/** Decides the VMM part of a report that writes nothing. */
function refusedVmm(report: ReportVmmArguments): DecisionPoint {
  return (world) => {
    const { world: after, answer } = reportOfVmm(world, report);
    return after === world ? { world, answer: except(["updateNeeded"], answer) } : undefined;
  };
}

/**
 * A batch locks the VMMs that it sees, and judges them and their migrations at one moment. A VMM that is inserted while
 * it waits for a lock may be too new for it.
 */
function inBatch(reports: readonly ReportVmmArguments[], { rows = [] }: Answer): DecisionPoint[] {
  const outcomes = (rows as Answer[]).map(({ vmmOutcome }) => vmmOutcome);
  const missed = reports.filter((_, index) => outcomes[index] === "not_found");
  const areAbsent = (world: World): boolean =>
    missed.every(({ instanceId, propolisId }) => vmmOf(world, instanceId, propolisId) === undefined);
  return [
    (world) => (areAbsent(world) ? { world, answer: {} } : undefined),
    (world) => reportVmms(world, reports, new Set(missed)),
  ];
}

/** A report of a sled compares the VMMs in one snapshot, and may then wait for the row of its sled. */
function inSledReport(a: ReportSledArguments): DecisionPoint[] {
  const columns = ["timeReported", "timeAgreed"];
  return [
    (world) => ({ world, answer: except(columns, reportSled(world, a).answer) }),
    (world, began) => {
      const { world: after, answer } = sledReported(world, a, isAgreed(began, a));
      return { world: after, answer: only(columns, answer) };
    },
  ];
}

const shown =
  (show: (world: World) => Answer): DecisionPoint =>
  (world) => ({ world, answer: show(world) });

/** The decision on the instance; then each group of columns as it is read; then what it wrote is seen. */
function holdingInstance(call: Call, id: string, groups: readonly (readonly string[])[]): DecisionPoint[] {
  const ifStillHeld =
    (point: (world: World, instance: InstanceRow) => Step): DecisionPoint =>
    (world, began) => {
      const instance = step(began, call).world.instances[id];
      return instance && world.instances[id] === began.instances[id] ? point(world, instance) : undefined;
    };
  const reads = groups.map((columns) =>
    ifStillHeld((world, instance) => {
      const seen = { ...world, instances: { ...world.instances, [id]: instance } };
      return {
        world,
        answer: only(columns, { ...showInstance(seen, id), ...commands(call, seen, instance) }),
      };
    }),
  );
  const commit = ifStillHeld((world, instance) => ({
    world: instance === world.instances[id] ? world : write(world, { instance }),
    answer: {},
  }));
  const decision: DecisionPoint = (world) => ({
    world,
    answer: except(groups.flat(), step(world, call).answer),
  });
  return [decision, ...reads, commit];
}

function commands({ verb }: Call, world: World, instance: InstanceRow): Answer {
  return verb === "request_stop" || verb === "request_reboot" ? commandColumns(world, instance, verb) : {};
}

function except(columns: readonly string[], answer: Answer): Answer {
  return Object.fromEntries(Object.entries(answer).filter(([column]) => !columns.includes(column)));
}

function only(columns: readonly string[], answer: Answer): Answer {
  return Object.fromEntries(columns.map((column) => [column, answer[column]]));
}
