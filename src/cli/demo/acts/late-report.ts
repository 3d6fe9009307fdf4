import type { ReportedVmmState } from "../../../client/generated.js";
import { reportVmm } from "../../../client/sled-agent.js";
import type { Act } from "../act.js";
import { report } from "../calls.js";

/** Rule 5: sled agents neither undo nor speak of saga_unwound. */
export const lateReport: Act = {
  title: "6  A sled agent speaks up too late, and out of turn",
  rules: "rule 5",
  async play(stage) {
    await report(stage, "D", "running", 9);
    stage.why("D, the destination of act 4, is unwound for good: no generation is new enough to revive it.");
    await stage.refused(reportVmm, {
      instanceId: stage.id("web"),
      propolisId: stage.id("E"),
      // TypeScript refuses it as well.
      state: "saga_unwound" as ReportedVmmState,
      generation: 4,
      time: new Date(),
    });
    await stage.picture();
    stage.why(
      "Nor can a sled agent say saga_unwound: the type of its reports has no such value. Only an unwinding saga sets it, and the API never shows it.",
    );
  },
};
