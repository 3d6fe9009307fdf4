// Names private directories by the process that owns them, so that directory and owner appear in one atomic step.

import { readFileSync, readlinkSync } from "node:fs";

const prefix = "vmstate-pg";
const pattern = new RegExp(`^${prefix}-(\\d+)-(\\d+)-(\\d+)-\\w{6}$`);

/** For mkdtemp: process id, start time of that process (ids are reused), and the namespace the id is of. */
export const ownPrefix = `${prefix}-${process.pid}-${startTime(process.pid)}-${pidNamespace()}-`;

/**
 * Tells whether `name` is a private directory whose owner is known to be dead.
 *
 * @param {string} name
 */
export function isAbandoned(name) {
  const [, pid, start, namespace] = pattern.exec(name) ?? [];
  return pid !== undefined && namespace === pidNamespace() && !isRunning(Number(pid), String(start));
}

/**
 * Tells whether the process runs, and is the one that started at `start`.
 *
 * @param {number} pid
 * @param {string} start
 */
function isRunning(pid, start) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "ESRCH") return false;
  }
  return startTime(pid) === start;
}

/**
 * Returns when a process started, in clock ticks since boot.
 *
 * It is "0" where there is no /proc.
 *
 * @param {number} pid
 */
function startTime(pid) {
  const stat = readOr("0", () => readFileSync(`/proc/${pid}/stat`, "utf8"));
  // The second field, the program's name in parentheses, may contain anything; the start time is field 22.
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "0";
}

/**
 * Returns the namespace of process ids that this process is in.
 *
 * In another container that shares the directory, the same id means another process.
 */
function pidNamespace() {
  return readOr("0", () => readlinkSync("/proc/self/ns/pid")).replace(/\D/g, "");
}

/**
 * Returns what `read` returns, or the fallback when `read` throws.
 *
 * @param {string} fallback
 * @param {() => string} read
 */
function readOr(fallback, read) {
  try {
    return read();
  } catch {
    return fallback;
  }
}
