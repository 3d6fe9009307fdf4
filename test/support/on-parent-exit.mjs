import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

const ROUNDS = 5;

/**
 * Tidies up when this process's standard input has ended, then ends the process.
 *
 * @param {() => void | Promise<void>} tidy
 */
export async function onParentExit(tidy) {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => undefined);
  process.stdin.resume();
  await once(process.stdin, "end");
  // Again and again: something may have been in the making when the parent died.
  for (let round = 0; round < ROUNDS; round++) {
    await tidy();
    await sleep(1_000);
  }
  process.exit();
}
