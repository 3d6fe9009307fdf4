import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";

/** What to do when `findValgrind` finds none. */
export const NO_VALGRIND =
  "needs valgrind on the PATH, which counts the instructions (Debian: apt-get install valgrind)";

/** Finds the program valgrind. */
export function findValgrind(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.map((folder) => join(folder, "valgrind")).find((file) => existsSync(file));
}
