import { spawn } from "node:child_process";
import type { Writable } from "node:stream";
import { fileURLToPath } from "node:url";

/**
 * Starts a script of this directory that tidies up after this process, however this process ends: the kernel closes
 * the script's standard input. One that is not needed any more is dismissed.
 */
export function startCleanupProcess(script: string, ...args: string[]): { dismiss: () => void } {
  const path = fileURLToPath(new URL(script, import.meta.url));
  // Detached: a Ctrl-C in the terminal goes to the whole process group.
  const cleanup = spawn(process.execPath, [path, ...args], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  cleanup.unref();
  (cleanup.stdin as Writable & { unref(): void }).unref();
  return { dismiss: () => void cleanup.kill("SIGKILL") };
}
