import { createInstance, finishInstanceCreation, unwindStart } from "../../../client/control-plane.js";
import type { Act } from "../act.js";
import { start } from "../calls.js";
import type { Stage } from "../stage.js";

/** Rule 2: an unwound active VMM shows the instance stopped. */
export const failedStart: Act = {
  title: "1  A start fails half-way",
  rules: "rule 2",
  async play(stage) {
    await create(stage);
    await start(stage, "saga-1", "A", "sled-1");
    await stage.picture();
    stage.why("A start saga has made VMM A and linked it. Now sled-1 refuses, and the saga unwinds:");
    await stage.call(unwindStart, {
      instanceId: stage.id("web"),
      sagaId: stage.id("saga-1"),
      propolisId: stage.id("A"),
    });
    await stage.picture();
    stage.why(
      "As the call returns, the user sees a stopped instance. Only A was written: web still names it, at the same generation. saga_unwound is internal; the API says destroyed.",
    );
  },
};

async function create(stage: Stage): Promise<void> {
  const id = stage.id("web");
  const projectId = stage.id("project");
  await stage.call(createInstance, { id, projectId, name: "web", intendedState: "running" });
  await stage.call(finishInstanceCreation, { id });
}
