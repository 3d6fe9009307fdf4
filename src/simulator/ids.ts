import { hash, randomBytes } from "node:crypto";

const SLEDS = 64;

/** Draws what the ids of the instances of one replay begin with. */
export function newRun(): string {
  return randomBytes(4).toString("hex");
}

/** Returns the lowest id that an instance of a replay may have. */
export function firstOf(run: string): string {
  return `${run}-0000-0000-0000-000000000000`;
}

/** Returns the highest id that an instance of a replay may have. */
export function lastOf(run: string): string {
  return `${run}-ffff-ffff-ffff-ffffffffffff`;
}

/**
 * Derives the ids of one replay, so that a VM at rest need not remember them.
 *
 * Each replay has other ids.
 */
export class Ids {
  /** Sleds that many VMMs share. */
  readonly sledIds: readonly string[];
  readonly #run: string;

  /** @param run what the ids of the instances begin with */
  constructor(run = newRun()) {
    this.#run = run;
    this.sledIds = Array.from({ length: SLEDS }, (_, n) => this.#id("sled", n));
  }

  instanceId(index: number): string {
    return this.#id("instance", index);
  }

  /** Tells whether an instance belongs to this replay. */
  isOurs(instanceId: string): boolean {
    return instanceId.startsWith(this.#run);
  }

  projectId(batch: number): string {
    return this.#id("project", batch);
  }

  /** Derives the n-th id of a VM. */
  id(index: number, n: number): string {
    return this.#id(`vm ${index}`, n);
  }

  #id(kind: string, n: number): string {
    const hex = hash("sha1", `${this.#run} ${kind} ${n}`);
    const tail = `${hex.slice(0, 4)}-8${hex.slice(4, 7)}-8${hex.slice(7, 10)}-${hex.slice(10, 22)}`;
    return `${kind === "instance" ? this.#run : hex.slice(22, 30)}-${tail}`;
  }
}
