import { randomBytes } from "node:crypto";

/**
 * The name of a database says when it was made, so that one whose process was killed can be told from one in use, and
 * is random, so that nobody has to ask anybody.
 */
export function newName(prefix: string): string {
  return `${prefix}_${timeOf(Date.now())}_${randomBytes(6).toString("hex")}`;
}

/** As it stands in a name: `20250131235959`, UTC. Names of one prefix sort by it. */
export function timeOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replaceAll(/\D/g, "").slice(0, 14);
}
