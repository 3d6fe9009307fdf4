import { runUpdate } from "../../../client/update-saga.js";
import type { Act } from "../act.js";
import { report } from "../calls.js";
import type { Stage } from "../stage.js";

/** Generations order the reports, whatever order they arrive in. */
export const disorder: Act = {
  title: "5  A migration gets through, its reports in disorder",
  rules: "generations",
  async play(stage) {
    await reportDestination(stage, "running", "completed", 3);
    stage.why("The destination is done before the source has said a word. Then an older report arrives:");
    await reportDestination(stage, "migrating", "in_progress", 2);
    await stage.picture();
    stage.why("Only newer generations count: stale ones write nothing. The update saga can act already:");
    await stage.call(runUpdate, { instanceId: stage.id("web"), sagaId: stage.id("update-2") });
    await reportSource(stage);
    await stage.picture();
    stage.why("The guest is E's now. The source reports last, and there is nothing left to decide.");
  },
};

async function reportDestination(
  stage: Stage,
  state: "running" | "migrating",
  side: "completed" | "in_progress",
  generation: number,
): Promise<void> {
  await report(stage, "E", state, generation, {
    migrationInId: stage.id("move-2"),
    migrationInState: side,
    migrationInGeneration: generation,
    migrationInTime: new Date(),
  });
}

async function reportSource(stage: Stage): Promise<void> {
  await report(stage, "C", "destroyed", 3, {
    migrationOutId: stage.id("move-2"),
    migrationOutState: "completed",
    migrationOutGeneration: 2,
    migrationOutTime: new Date(),
  });
}
