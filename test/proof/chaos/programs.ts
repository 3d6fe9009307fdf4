import { existsSync, readdirSync } from "node:fs";
import { platformBin } from "../../../src/embedded/platform-package.js";
import type { SupervisorRequest } from "../../../src/embedded/protocol.js";

/** Where the programs of a server are. */
export type Programs = Pick<SupervisorRequest, "bin" | "relocatable">;

const SYSTEM_ROOT = "/usr/lib/postgresql";
const OLDEST_MAJOR = 15;

/** Of the embedded server, else of the operating system; undefined: there are none. */
export async function serverPrograms(): Promise<Programs | undefined> {
  try {
    return { bin: await platformBin(), relocatable: true };
  } catch {
    const bin = systemBin("initdb", "postgres");
    return bin === undefined ? undefined : { bin, relocatable: false };
  }
}

/** The newest directory of the operating system (Debian's layout) with all of these programs. */
export function systemBin(...names: readonly string[]): string | undefined {
  const majors = existsSync(SYSTEM_ROOT) ? readdirSync(SYSTEM_ROOT).map(Number) : [];
  return majors
    .filter((major) => major >= OLDEST_MAJOR)
    .sort((a, b) => b - a)
    .map((major) => `${SYSTEM_ROOT}/${major}/bin`)
    .find((bin) => names.every((name) => existsSync(`${bin}/${name}`)));
}
