import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTestDatabase } from "../../src/testing/create.js";
import { readLedger } from "../../src/schema/ledger.js";
import { runCommand } from "../release/run-command.js";
import { renderMigration } from "./migration.js";
import { type GeneratedPart, PARTS, ROOT } from "./generated-files.js";

await runCommand(async () => {
  if ((await readLedger(ROOT)).length === 0)
    await write("migrations/0001_vmstate.sql", await renderMigration(ROOT));
  await using database = await createTestDatabase();
  for (const part of PARTS) {
    const files = await part.render(database.sql);
    for (const [file, text] of files) await write(file, text);
    await removeOthers(part, files);
  }
});

async function write(file: string, text: string): Promise<void> {
  await writeFile(join(ROOT, file), text);
  console.log(file);
}

async function removeOthers({ folder }: GeneratedPart, files: ReadonlyMap<string, string>): Promise<void> {
  if (folder === undefined) return;
  const present = (await readdir(join(ROOT, folder))).map((name) => `${folder}/${name}`);
  for (const file of present.filter((each) => !files.has(each))) await rm(join(ROOT, file));
}
