import { readFile } from "node:fs/promises";
import path from "node:path";

/** The paths of the objects in `sql/`, in load order. */
export async function loadOrder(dir: string): Promise<string[]> {
  const text = await readFile(path.join(dir, "load_order.txt"), "utf8");
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

/** The text of the migration that creates everything in `sql/`. */
export async function renderMigration(dir: string): Promise<string> {
  const files = await loadOrder(dir);
  const texts = await Promise.all(
    files.map(async (file) => `-- sql/${file}\n${await readFile(path.join(dir, file), "utf8")}`),
  );
  return texts.join("\n");
}
