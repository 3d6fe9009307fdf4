// Makes an empty database cluster.

import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { giveToServerUser, spawnOptions } from "./server-user.mjs";

const TIMEOUT_MS = 120_000;

/** @typedef {{ data: string, password: string }} Cluster */

/**
 * Makes an empty database cluster with a random password.
 *
 * @param {string} bin
 * @param {string} version
 * @param {string} dir
 * @returns {Cluster}
 */
export function initCluster(bin, version, dir) {
  const data = join(dir, "data");
  const password = randomBytes(16).toString("hex");
  const passwordFile = join(dir, "password");
  writeFileSync(passwordFile, password, { mode: 0o600 });
  giveToServerUser(passwordFile);
  runInitdb(bin, dir, [`--pgdata=${data}`, `--pwfile=${passwordFile}`, ...localeArguments(version)]);
  rmSync(passwordFile);
  return { data, password };
}

/**
 * Runs initdb, and throws what it complains of.
 *
 * @param {string} bin
 * @param {string} cwd
 * @param {string[]} args
 */
function runInitdb(bin, cwd, args) {
  const common = ["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--no-sync"];
  const options = { ...spawnOptions(cwd), encoding: /** @type {const} */ ("utf8"), timeout: TIMEOUT_MS };
  const { status, stderr, error } = spawnSync(join(bin, "initdb"), [...common, ...args], options);
  if (status !== 0) throw new Error("initdb failed", { cause: error?.message ?? stderr });
}

/**
 * Returns the arguments of initdb that choose the locale.
 *
 * It is never a locale of the operating system, which may not be installed, and which would decide how texts sort.
 *
 * @param {string} version
 */
function localeArguments(version) {
  const builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
  return ["--locale=C", ...(Number.parseInt(version, 10) >= 17 ? builtin : [])];
}
