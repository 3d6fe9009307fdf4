// Finds programs that the server's user can run.

import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, readFileSync, readdirSync, symlinkSync } from "node:fs";
import { basename, dirname, join, parse } from "node:path";
import { spawnOptions } from "./server-user.mjs";

/** @import { SupervisorRequest } from "./protocol.js" */
/** @import { Scratch } from "./scratch.mjs" */

/**
 * Finds the directory of programs that the server's user can run.
 *
 * Makes a private copy of the installed tree if the user cannot run them there.
 *
 * @param {SupervisorRequest} request
 * @param {Scratch} scratch
 */
export function programs({ bin, relocatable }, scratch) {
  const found = probe(bin);
  if (found.version !== undefined) return { bin, version: found.version };
  if (!relocatable) throw cannotRun(bin, found.complaint);

  const copied = copyOf(dirname(bin), scratch);
  const retry = probe(copied);
  if (retry.version === undefined) throw cannotRun(bin, retry.complaint);
  return { bin: copied, version: retry.version };
}

/**
 * Makes the error for programs that cannot be run.
 *
 * @param {string} bin
 * @param {string} complaint
 */
function cannotRun(bin, complaint) {
  return new Error(`cannot run ${join(bin, "postgres")}`, { cause: complaint });
}

/**
 * Runs `postgres --version` as the server's user.
 *
 * @param {string} bin
 */
function probe(bin) {
  const options = spawnOptions(parse(bin).root);
  const { status, stdout, stderr, error } = spawnSync(join(bin, "postgres"), ["--version"], {
    ...options,
    encoding: "utf8",
  });
  const version = status === 0 ? /\d+(\.\d+)?/.exec(stdout)?.[0] : undefined;
  return { version, complaint: error?.message ?? stderr };
}

/**
 * Copies the tree of programs to a private directory.
 *
 * A tree can be unusable where it is: below a directory closed to the server's user, or installed without the
 * package's install script and so without the links between its libraries. A private copy is neither.
 *
 * @param {string} tree
 * @param {Scratch} scratch
 * @returns {string} the copy's directory of programs
 */
function copyOf(tree, scratch) {
  const copy = scratch.makeForPrograms();
  // Static libraries, which no program needs to run, are left out.
  const filter = (/** @type {string} */ path) => !path.endsWith(".a");
  cpSync(tree, copy, { recursive: true, verbatimSymlinks: true, filter });
  makeLinks(copy);
  openToAll(copy);
  return join(copy, "bin");
}

/**
 * Makes the links between libraries, as the package's install script does.
 *
 * @param {string} tree
 */
function makeLinks(tree) {
  const list = join(tree, "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links = /** @type {{ source: string, target: string }[]} */ (JSON.parse(readFileSync(list, "utf8")));
  for (const { source, target } of links) {
    const path = join(tree, target.replace(/^native\//, ""));
    if (!existsSync(path)) symlinkSync(basename(source), path);
  }
}

/**
 * Lets every user read and run the files of a tree.
 *
 * @param {string} tree
 */
function openToAll(tree) {
  chmodSync(tree, 0o755);
  for (const entry of readdirSync(tree, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) chmodSync(join(entry.parentPath, entry.name), 0o755);
  }
}
