import { platformBin } from "../../../src/embedded/platform-package.js";
import type { SupervisorRequest } from "../../../src/embedded/protocol.js";
import { systemBin } from "../../support/system-programs.js";

/** Where the programs of a server are. */
export type Programs = Pick<SupervisorRequest, "bin" | "relocatable">;

/** Finds the programs of the embedded server, or else of the operating system; undefined: there are none. */
export async function serverPrograms(): Promise<Programs | undefined> {
  try {
    return { bin: await platformBin(), relocatable: true };
  } catch {
    const bin = systemBin(["initdb", "postgres"]);
    return bin === undefined ? undefined : { bin, relocatable: false };
  }
}
