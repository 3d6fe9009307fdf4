import { clearScreenDown, cursorTo } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { type Io, say } from "../terminal/io.js";

/**
 * Prints a text again and again, until a signal comes or stdout is closed.
 *
 * On a terminal each text replaces the last one; elsewhere a blank line separates them.
 *
 * @param read what is printed, which is read anew each time
 */
export async function watch(io: Io, intervalS: number, read: () => Promise<string>): Promise<never> {
  for (let n = 1; ; n++) {
    const text = await read();
    io.signal.throwIfAborted();
    if (io.isScreen) {
      cursorTo(io.stdout, 0, 0);
      clearScreenDown(io.stdout);
    } else if (n > 1) {
      say(io.stdout, "");
    }
    say(io.stdout, `${new Date().toISOString()}  ${text}`);
    await pause(intervalS * 1000, undefined, { signal: io.signal });
  }
}
