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
  const files = await Promise.all(lines.map((line) => (line.endsWith("/") ? filesIn(root, line) : [line])));
  return await Promise.all(
    files.flat().map(async (file) => ({ file, text: await readFile(join(root, "sql", file), "utf8") })),
  );
}

/** Lists the files that are directly in a folder, by name. */
async function filesIn(root: string, folder: string): Promise<string[]> {
  const names = await readdir(join(root, "sql", folder));
  return names
    .filter((name) => name.endsWith(".sql"))
    .sort()
    .map((name) => `${folder}${name}`);
}
