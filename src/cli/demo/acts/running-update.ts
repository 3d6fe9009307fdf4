import { deleteVmm, unwindStart } from "../../../client/control-plane.js";
import { beginUpdate, commitUpdate } from "../../../client/update-saga.js";
import type { Act } from "../act.js";
import { report } from "../calls.js";
import { type Stage, applied } from "../stage.js";

/** Rules 4 and 6: unwinding does not disturb an update, which removes an unwound VMM like a destroyed one. */
export const runningUpdate: Act = {
  title: "3  A saga unwinds in the middle of an update",
  rules: "rules 4, 6",
  async play(stage) {
    await report(stage, "B", "failed", 2);
    const commit = await plan(stage);
    stage.why("B failed, and an update saga holds a plan to unlink it. Only now does the start saga notice:");
    await stage.call(unwindStart, {
      instanceId: stage.id("web"),
      sagaId: stage.id("saga-2"),
      propolisId: stage.id("B"),
    });
    await stage.picture();
    stage.why("Unwinding wrote no instance row, so the plan of the running update still holds:");
    await commit();
    await stage.picture();
    stage.why("An unwound VMM is unlinked like a destroyed one. What no instance names can be deleted:");
    await cleanUp(stage, ["A", "B"]);
  },
};

async function plan(stage: Stage): Promise<() => Promise<unknown>> {
  const update = { instanceId: stage.id("web"), sagaId: stage.id("update-1") };
  const answer = await stage.call(beginUpdate, { ...update, lease: "30 seconds" });
  const { updaterGeneration, planToken } = applied(answer);
  stage.cast.learn("the plan", planToken);
  return () => stage.call(commitUpdate, { ...update, updaterGeneration, planToken });
}

async function cleanUp(stage: Stage, vmms: string[]): Promise<void> {
  for (const name of vmms) {
    await stage.call(deleteVmm, { instanceId: stage.id("web"), propolisId: stage.id(name) });
  }
}
