import { recordOf } from "../../src/schema/files.js";
import { readSources } from "../../src/schema/sources.js";
import { copyOf } from "../release/copies.js";

/** Renders the first migration, which creates everything in `sql/`. */
export async function renderMigration(root: string): Promise<string> {
  const sources = await readSources(root);
  return [...sources.map(copyOf), recordOf("0001_vmstate", false)].join("\n");
}
