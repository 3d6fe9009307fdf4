// PostgreSQL refuses to run as root, and initdb wants a user who has a passwd entry.

import { chownSync, readFileSync } from "node:fs";

/** @typedef {{ uid: number, gid: number }} User */

/** The user to run the server as; undefined: the present one. */
export const serverUser = process.getuid?.() === 0 ? unprivilegedUser() : undefined;

/**
 * Finds the user to run the server as when this process is root's.
 *
 * @returns {User}
 */
function unprivilegedUser() {
  const lines = readFileSync("/etc/passwd", "utf8").split("\n");
  const users = lines.map((line) => line.split(":"));
  for (const wanted of ["nobody", "postgres"]) {
    const [, , uid, gid] = users.find(([name]) => name === wanted) ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error("running as root, and there is no user nobody or postgres to run the server as");
}

/**
 * Makes the server's user own a file or directory.
 *
 * @param {string} path
 */
export function giveToServerUser(path) {
  if (serverUser) chownSync(path, serverUser.uid, serverUser.gid);
}

/**
 * Returns options to spawn a program of PostgreSQL with.
 *
 * The environment is small and known: initdb fails with a locale that is not installed, and PG* variables change what
 * a server does.
 *
 * @param {string} cwd
 */
export function spawnOptions(cwd) {
  const { PATH, SystemRoot } = process.env;
  return { ...serverUser, cwd, windowsHide: true, env: { PATH, SystemRoot, LC_ALL: "C", TZ: "UTC" } };
}
