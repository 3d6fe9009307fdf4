import { driverErrorIn } from "./prisma-error.js";

/**
 * Returns the SQLSTATE, or Node's code, of an error; empty for other errors.
 *
 * A library on top of a client may wrap the error of the client, which has the code and is then a `cause`.
 */
export function sqlStateOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  const driverError = driverErrorIn(error);
  if (driverError !== undefined) return sqlStateOf(driverError);
  return "code" in error ? String(error.code) : sqlStateOf(error.cause);
}
