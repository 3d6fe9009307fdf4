import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 20;
const DEADLINE_MS = 120_000;

/** Polls until the condition holds; rejects with its name after a generous deadline. */
export async function until(
  name: string,
  holds: () => boolean | Promise<boolean>,
  deadlineMs = DEADLINE_MS,
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`still not true after ${deadlineMs} ms: ${name}`);
    await sleep(POLL_MS);
  }
}
