// The private directories of one server: made, handed to the server's user, removed.

import { mkdtempSync, realpathSync, rmSync, statSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ownPrefix } from "./owner.mjs";
import { giveToServerUser, serverUser } from "./server-user.mjs";
import { sweep } from "./sweep.mjs";

const GIBIBYTE = 1024 ** 3;

export class Scratch {
  /** @type {string[]} */
  #made = [];

  /** Where the database goes. */
  data;

  /** @param {string} base */
  constructor(base) {
    this.data = this.#make(base);
  }

  /**
   * Removes what killed processes left, and makes a directory for a new server.
   *
   * @param {string | undefined} dir
   */
  static async create(dir) {
    const base = dir ?? dataBase();
    if (!isReachable(base)) throw unreachable(base);
    for (const place of new Set([base, temporaryBase()])) await sweep(place);
    return new Scratch(base);
  }

  /**
   * Makes a directory from which programs can be run.
   *
   * /dev/shm may be mounted noexec, so it is in the temporary directory.
   */
  makeForPrograms() {
    return this.#make(temporaryBase());
  }

  /** @param {string} base */
  #make(base) {
    const made = mkdtempSync(join(base, ownPrefix));
    this.#made.push(made);
    giveToServerUser(made);
    return made;
  }

  remove() {
    for (const dir of this.#made)
      rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}

function dataBase() {
  return process.platform === "linux" && isRoomy("/dev/shm") ? "/dev/shm" : temporaryBase();
}

/**
 * Tells whether more than 1 GiB is free in a directory.
 *
 * @param {string} dir
 */
function isRoomy(dir) {
  try {
    const { bavail, bsize } = statfsSync(dir);
    return bavail * bsize > GIBIBYTE;
  } catch {
    return false;
  }
}

export function temporaryBase() {
  const wanted = realpathSync(tmpdir());
  const base = [wanted, "/tmp", "/var/tmp"].find(isReachable);
  if (base === undefined) throw unreachable(wanted);
  return base;
}

/**
 * Makes the error for a directory that the server's user may not enter.
 *
 * @param {string} dir
 */
function unreachable(dir) {
  return new Error(`${dir} is closed to the user that the server runs as`);
}

/**
 * Tells whether the server's user may enter a directory.
 *
 * Root's own temporary directory may be closed to that user.
 *
 * @param {string} dir
 * @returns {boolean}
 */
function isReachable(dir) {
  if (serverUser === undefined) return true;
  const searchable = (statSync(dir, { throwIfNoEntry: false })?.mode ?? 0) & 0o001;
  return Boolean(searchable) && (dir === dirname(dir) || isReachable(dirname(dir)));
}
