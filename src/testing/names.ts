import { randomBytes } from "node:crypto";

/**
 * Makes a name that says when its database was made.
 *
 * The time tells the database of a killed process from one in use. A random part keeps the names of concurrent
 * processes apart.
 */
export function newName(prefix: string): string {
  return `${prefix}_${timeOf(Date.now())}_${randomBytes(6).toString("hex")}`;
}

/**
 * Writes a time as in a database's name, so that names sort by it.
 *
 * For example `20250131235959`, in UTC.
 */
export function timeOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replaceAll(/\D/g, "").slice(0, 14);
}
