import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { expect, inject, it, test } from "vitest";
import { readLedger } from "../../src/schema/ledger.js";
import { renderMigration } from "../../tools/generate/migration.js";
import { PARTS, ROOT } from "../../tools/generate/generated-files.js";
import { withDatabase } from "../support/database.js";

const LONG_MS = 120_000;
/** What `npm run generate` needs of a clone. */
const CLONED = [
  "docs",
  "migrations",
  "package.json",
  "sql",
  "src",
  "tools",
  "tsconfig.json",
  "tsconfig.build.json",
];
const OUT_OF_DATE = "run `npm run generate`";

const db = withDatabase();

const ledger = await readLedger(ROOT);
test.runIf(ledger.length === 0)(
  "migrations/0001_vmstate.sql, until it is released, holds the objects of sql/ in load order",
  async () => {
    expect(read("migrations/0001_vmstate.sql"), OUT_OF_DATE).toBe(await renderMigration(ROOT));
  },
);

const parts = PARTS.map((part) => [part.says, part] as const);
it.each(parts)("%s", { timeout: LONG_MS }, async (_, { folder, render }) => {
  const files = await render(db.sql);
  for (const [file, text] of files) expect(read(file), `${file}: ${OUT_OF_DATE}`).toBe(text);
  if (folder !== undefined) expect(filesIn(ROOT, folder)).toEqual([...files.keys()].sort());
});

it("npm run generate leaves nothing to do for a second run", { timeout: LONG_MS }, async () => {
  const clone = mkdtempSync(join(tmpdir(), "vmstate-clone-"));
  try {
    for (const part of [...CLONED, ".prettierrc.json"])
      cpSync(ROOT + part, join(clone, part), { recursive: true });
    symlinkSync(`${ROOT}node_modules`, join(clone, "node_modules"));
    const generated = [
      "src/client/generated.ts",
      "src/kysely/tables.ts",
      "docs/reference.md",
      "docs/states.md",
      ...filesIn(ROOT, "docs/api"),
    ];
    // docs/api quotes these comments
    for (const file of generated)
      writeFileSync(join(clone, file), read(file).replaceAll("/** ", "/** Stale: "));
    cpSync(join(clone, "docs/reference.md"), join(clone, "docs/api/removed.md"));

    const env = {
      ...process.env,
      NODE_OPTIONS: "",
      NODE_V8_COVERAGE: "",
      TEST_DATABASE_URL: inject("serverUrl"),
    };
    const main = ["--import", "tsx", "tools/generate/main.ts"];
    await promisify(execFile)(process.execPath, main, { cwd: clone, env });

    expect(filesIn(clone, "docs/api")).toEqual(filesIn(ROOT, "docs/api"));
    for (const file of generated) expect(readFileSync(join(clone, file), "utf8"), file).toBe(read(file));
  } finally {
    rmSync(clone, { recursive: true });
  }
});

function read(file: string): string {
  return readFileSync(ROOT + file, "utf8");
}

function filesIn(root: string, folder: string): string[] {
  return readdirSync(join(root, folder))
    .map((name) => `${folder}/${name}`)
    .sort();
}
