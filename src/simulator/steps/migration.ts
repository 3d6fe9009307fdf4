import { reap } from "./vmm-failure.js";
import { begin, newMigration, sagaOf } from "./migrate-saga.js";
import { failures } from "./migration-failures.js";
import { successes } from "./migration-successes.js";
import { isDead } from "../model.js";
import type { Scene } from "../step-context.js";
import { start } from "./start-saga.js";

const MOST_FAILURES = 5;

/** A running instance moves to another sled; failed migrations are tried again, from a new start if need be. */
export async function migrate(scene: Scene): Promise<void> {
  for (let n = 0; n < MOST_FAILURES && scene.goesWrong(); n++) {
    if (scene.goesWrong()) await failBeforeBegin(scene);
    await scene.chance.pick(failures)(scene, await begin(scene));
    if (scene.chance.happens(0.5)) await reap(scene);
    if (!isRunning(scene)) await start(scene);
  }
  await scene.chance.pick(successes)(scene, await begin(scene));
  await reap(scene);
}

async function failBeforeBegin(scene: Scene): Promise<void> {
  const saga = sagaOf(scene, newMigration(scene));
  await scene.caller.call("unwindMigration", saga, { outcome: "not_found" });
}

function isRunning({ life }: Scene): boolean {
  return life.active !== undefined && !isDead(life.active);
}
