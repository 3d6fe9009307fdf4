import { existsSync, readdirSync } from "node:fs";

export const SYSTEM_ROOT = "/usr/lib/postgresql";
const OLDEST_MAJOR = 15;

/**
 * Finds the operating system's directory (Debian's layout) with all of these programs.
 *
 * @param major only this version of PostgreSQL, as in TEST_PG_MAJOR; empty: the newest one there
 */
export function systemBin(
  names: readonly string[],
  major: string = process.env["TEST_PG_MAJOR"] ?? "",
): string | undefined {
  const installed = existsSync(SYSTEM_ROOT) ? readdirSync(SYSTEM_ROOT).map(Number) : [];
  return installed
    .filter((each) => (major === "" ? each >= OLDEST_MAJOR : each === Number(major)))
    .sort((a, b) => b - a)
    .map((each) => `${SYSTEM_ROOT}/${each}/bin`)
    .find((bin) => names.every((name) => existsSync(`${bin}/${name}`)));
}
