import { driverErrorIn } from "./prisma-error.js";

/**
 * The SQLSTATE, or Node's code, of what a client of PostgreSQL threw; empty for other errors. A library on top of a
 * client may wrap its error: the one with a code is then its `cause`.
 */
export function sqlStateOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  const driverError = driverErrorIn(error);
  if (driverError !== undefined) return sqlStateOf(driverError);
  return "code" in error ? String(error.code) : sqlStateOf(error.cause);
}
