import { readFile } from "node:fs/promises";
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
  const files = order.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return await Promise.all(
    files.map(async (file) => ({ file, text: await readFile(join(root, "sql", file), "utf8") })),
  );
}
