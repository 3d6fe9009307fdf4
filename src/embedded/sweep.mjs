// Removes what a killed supervisor could not: its directories, and the server that still runs in one.

import { lstatSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isAbandoned } from "./owner.mjs";
import { serverUser } from "./server-user.mjs";

const GRACE_MS = 5_000;

/**
 * Removes the abandoned directories below `base`, and ends their servers.
 *
 * @param {string} base
 */
export async function sweep(base) {
  const dirs = readdirSync(base)
    .filter(isAbandoned)
    .map((name) => join(base, name));
  await Promise.all(dirs.map(removeAbandoned));
}

/**
 * Removes one abandoned directory, after its server has ended.
 *
 * @param {string} dir
 */
async function removeAbandoned(dir) {
  try {
    if (!isOurs(dir)) return;
    await endServerIn(dir);
    rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  } catch {
    // Another run sweeps the same directory at the same time.
  }
}

/**
 * Tells whether this user, or the server's user, owns a directory.
 *
 * Every user may write to the place, so a name proves nothing.
 *
 * @param {string} dir
 */
function isOurs(dir) {
  const { uid } = lstatSync(dir);
  return process.getuid === undefined || uid === process.getuid() || uid === serverUser?.uid;
}

/**
 * Ends the server that runs in a directory.
 *
 * @param {string} dir
 */
async function endServerIn(dir) {
  const deadline = Date.now() + GRACE_MS;
  for (let pid = runningServer(dir); pid !== undefined; pid = runningServer(dir)) {
    process.kill(pid, Date.now() < deadline ? "SIGQUIT" : "SIGKILL");
    await sleep(20);
  }
}

/**
 * Returns the process id of the server that runs in a directory.
 *
 * @param {string} dir
 */
function runningServer(dir) {
  try {
    const [line] = readFileSync(join(dir, "data", "postmaster.pid"), "utf8").split("\n");
    const pid = Number(line);
    return pid > 1 && isServerOf(pid, dir) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Tells whether a process is the server of a directory.
 *
 * @param {number} pid
 * @param {string} dir
 */
function isServerOf(pid, dir) {
  if (process.platform !== "linux") return process.kill(pid, 0);
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(dir);
}
