import type { ReportedVmmState, ReportVmmArguments } from "../../../src/index.js";
import type { Scenario } from "../scenario.js";

export const time = new Date("2024-02-29T12:34:56.789Z");

/** A report of the instance's first VMM. */
export function reportOf(s: Scenario, state: ReportedVmmState, generation: number): ReportVmmArguments {
  return { instanceId: s.instanceId, propolisId: s.propolisId, state, generation, time };
}
