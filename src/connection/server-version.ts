import { VmstateError } from "../errors/vmstate-error.js";

const OLDEST_MAJOR = 15;

/**
 * Refuses a PostgreSQL that is too old.
 *
 * @param version as `show server_version` gives it: `18.4 (Debian 18.4-1)`
 * @throws VmstateError when PostgreSQL is too old
 */
export function requireSupportedVersion(version: string): void {
  if (Number.parseInt(version, 10) >= OLDEST_MAJOR) return;
  throw new VmstateError(`PostgreSQL ${OLDEST_MAJOR} or newer is required; this server is ${version}`);
}
