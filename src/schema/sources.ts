import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** A file of `sql/`: an object as it is now. */
export interface Source {
  /** Relative to `sql/`. */
  file: string;
  text: string;
}

/** Reads the objects of `sql/`, in load order. */
export async function readSources(root: string): Promise<Source[]> {
  const order = await readFile(join(root, "sql/load_order.txt"), "utf8");
  const lines = order.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const files = await Promise.all(lines.map((line) => filesOf(root, line, new Set(lines))));
  return await Promise.all(
    files.flat().map(async (file) => ({ file, text: await readFile(join(root, "sql", file), "utf8") })),
  );
}

/** Lists the file of a line, or, by name, the files that are directly in the folder of a line and have no line. */
async function filesOf(root: string, line: string, lines: ReadonlySet<string>): Promise<string[]> {
  if (!line.endsWith("/")) return [line];
  const names = await readdir(join(root, "sql", line));
  return names
    .filter((name) => name.endsWith(".sql"))
    .sort()
    .map((name) => `${line}${name}`)
    .filter((file) => !lines.has(file));
}
