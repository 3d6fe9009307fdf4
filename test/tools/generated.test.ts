import { readdir } from "node:fs/promises";
import prettier from "prettier";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readLedger } from "../../src/schema/ledger.js";
import { renderApi } from "../../tools/generate/api.js";
import { readCatalog } from "../../tools/generate/catalog.js";
import { renderMigration } from "../../tools/generate/migration.js";
import { renderReference } from "../../tools/generate/reference.js";
import { renderStates } from "../../tools/generate/states.js";
import { renderTables } from "../../tools/generate/tables.js";
import { renderTypescript } from "../../tools/generate/typescript.js";
import { createDatabase, type TestDatabase } from "../support/database.js";

const root = new URL("../../", import.meta.url).pathname;
let db: TestDatabase;
beforeAll(async () => {
  db = await createDatabase();
});
afterAll(() => db.drop());

const ledger = await readLedger(root);
test.runIf(ledger.length === 0)(
  "migrations/0001_vmstate.sql, until it is released, holds the objects of sql/ in load order",
  async () => {
    await expect(await renderMigration(root)).toMatchFileSnapshot(`${root}migrations/0001_vmstate.sql`);
  },
);

test("src/client/generated.ts has the types and signatures of a migrated database", async () => {
  const options = await prettier.resolveConfig(`${root}src/client/generated.ts`);
  const text = await prettier.format(renderTypescript(await readCatalog(db.sql)), {
    ...options,
    parser: "typescript",
  });
  await expect(text).toMatchFileSnapshot(`${root}src/client/generated.ts`);
});

test("src/kysely/tables.ts has the tables and views of a migrated database", async () => {
  const options = await prettier.resolveConfig(`${root}src/kysely/tables.ts`);
  const text = await prettier.format(renderTables(await readCatalog(db.sql)), {
    ...options,
    parser: "typescript",
  });
  await expect(text).toMatchFileSnapshot(`${root}src/kysely/tables.ts`);
});

test("docs/reference.md has all that is public in a migrated database", async () => {
  const text = renderReference(await readCatalog(db.sql));
  await expect(await asMarkdown(text)).toMatchFileSnapshot(`${root}docs/reference.md`);
});

test("docs/states.md shows what the verbs of a migrated database do", { timeout: 120_000 }, async () => {
  const text = await renderStates(db.sql, await readCatalog(db.sql));
  await expect(await asMarkdown(text)).toMatchFileSnapshot(`${root}docs/states.md`);
});

test(
  "docs/api/ has what the declarations and comments of the entry points say",
  { timeout: 120_000 },
  async () => {
    const pages = await renderApi();
    for (const [file, text] of pages)
      await expect(await asMarkdown(text)).toMatchFileSnapshot(`${root}docs/api/${file}`);
    const others = (await readdir(`${root}docs`, { recursive: true })).filter(
      (file) => file.startsWith("api/") && !pages.has(file.slice("api/".length)),
    );
    expect(others).toEqual([]);
  },
);

async function asMarkdown(text: string): Promise<string> {
  const options = await prettier.resolveConfig(`${root}README.md`);
  return await prettier.format(text, { ...options, parser: "markdown" });
}
