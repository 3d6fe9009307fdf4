import type { SettleArguments } from "../../../../src/client/generated.js";
import { dead } from "../../../sql/model.js";
import { showPlan } from "./plan.js";
import { reportVmm } from "./sled-agent.js";
import type { Answer, Step } from "./step.js";
import { runUpdate } from "./update-saga.js";
import { deleteVmm } from "./vmm.js";
import type { World } from "./world.js";

/** Every outcome and reason that a verb of this file may answer. */
export const ANSWERS = {
  settle: [
    ...["applied", "stale", "terminal", "gone", "not_found"].map((outcome) => `vmm ${outcome}`),
    ...["applied", "unchanged", "conflict locked", "gone"].map((outcome) => `update ${outcome}`),
    ...["applied", "unchanged", "conflict linked"].map((outcome) => `delete ${outcome}`),
  ],
} as const;

/** An id that no instance has. */
const NOWHERE = "";

/** Reports; if the report says that the VMM has ended, and is not older than what is known, also updates and deletes. */
export function settle(world: World, { sagaId, delete: isToBeDeleted, ...a }: SettleArguments): Step {
  const report = reportVmm(world, a);
  const { vmmOutcome, state, stateGeneration } = report.answer;
  const hasEnded = dead(a.state) && vmmOutcome !== "stale" && vmmOutcome !== "not_found";
  const update = hasEnded ? runUpdate(report.world, { instanceId: a.instanceId, sagaId }) : undefined;
  const before = update?.world ?? report.world;
  const deletion = hasEnded && isToBeDeleted !== false ? deleteVmm(before, a) : undefined;
  const instance: Record<string, unknown> = { ...(update?.answer ?? showPlan(world, NOWHERE)) };
  delete instance["outcome"];
  delete instance["reason"];
  const answer = {
    ...{ vmmOutcome, vmmState: state, vmmStateGeneration: stateGeneration },
    ...partOf("update", update),
    ...partOf("delete", deletion),
    ...instance,
  };
  return { world: deletion?.world ?? before, answer };
}

function partOf(part: "update" | "delete", step: Step | undefined): Answer {
  const { outcome = null, reason = null } = step?.answer ?? {};
  return { [`${part}Outcome`]: outcome, [`${part}Reason`]: reason };
}
