import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findDrift } from "../../src/schema/drift/find-drift.js";
import { readMigrations } from "../../src/schema/files.js";
import { migrateFrom } from "../../src/schema/migrate-from.js";
import { createEmptyDatabase, type TestDatabase } from "../support/database.js";
import { PackageCopy } from "../support/package-copy.js";

const CLI = fileURLToPath(
  new URL("../../node_modules/node-pg-migrate/bin/node-pg-migrate.js", import.meta.url),
);
/** What README and docs/operations.md tell to pass for our migrations. */
const OWN_TABLE = ["--migrations-schema", "vmstate", "--create-migrations-schema"];

let db: TestDatabase;
let copy: PackageCopy;
let app: string;
let names: string[];
let next: string;
beforeEach(async () => {
  db = await createEmptyDatabase();
  copy = new PackageCopy();
  app = mkdtempSync(join(tmpdir(), "vmstate-app-"));
  writeFileSync(join(app, "1700000000000_app.sql"), "create table public.app (id int);\n");
  names = (await readMigrations(copy.root)).map(({ name }) => name);
  next = `${String(names.length + 1).padStart(4, "0")}_next`;
});
afterEach(async () => {
  await db.drop();
  copy[Symbol.dispose]();
  rmSync(app, { recursive: true });
});

/** The stock command line, `up`. */
async function up(dir: string, ...options: string[]): Promise<void> {
  const env = { ...process.env, DATABASE_URL: db.url };
  await promisify(execFile)(process.execPath, [CLI, "up", "-m", dir, ...options], {
    env,
    maxBuffer: 2 ** 26,
  });
}

const upApp = (): Promise<void> => up(app);
const upOurs = (...options: string[]): Promise<void> => up(join(copy.root, "migrations"), ...options);
const migrate = (): Promise<string[]> => migrateFrom(copy.root, db.url);

async function recordedIn(schema: string): Promise<string[]> {
  const rows = await db.sql<{ name: string }[]>`select name from ${db.sql(schema)}.pgmigrations order by id`;
  return rows.map(({ name }) => name);
}

function addToBoth(): void {
  writeFileSync(join(app, "1800000000000_more.sql"), "create table public.more (id int);\n");
  copy.migration(next, "create table vmstate.next ()");
}

const APP = "1700000000000_app";
const MORE = "1800000000000_more";

describe("an application that uses node-pg-migrate too, beside", () => {
  const OURS: [string, () => Promise<unknown>][] = [
    ["vmstate migrate", migrate],
    ["the stock command line with --migrations-schema", () => upOurs(...OWN_TABLE)],
  ];

  it.each(OURS)("%s: the application's migrations come first", async (_, ours) => {
    await upApp();
    await ours();
    addToBoth();
    await upApp();
    await ours();
    expect(await recordedIn("public")).toEqual([APP, MORE]);
    expect(await recordedIn("vmstate")).toEqual([...names, next]);
  });

  it.each(OURS)("%s: vmstate's migrations come first", async (_, ours) => {
    await ours();
    await upApp();
    addToBoth();
    await ours();
    await upApp();
    expect(await recordedIn("public")).toEqual([APP, MORE]);
    expect(await recordedIn("vmstate")).toEqual([...names, next]);
  });

  it("vmstate migrate and the stock command line in turns", async () => {
    await upOurs(...OWN_TABLE);
    expect(await migrate()).toEqual([]);
    addToBoth();
    expect(await migrate()).toEqual([next]);
    await upOurs(...OWN_TABLE);
    copy.migration(
      next.replace("next", "after").replace(/^\d+/, String(names.length + 2).padStart(4, "0")),
      "select",
    );
    await upOurs(...OWN_TABLE);
    expect(await migrate()).toEqual([]);
    await upApp();
    expect(await recordedIn("vmstate")).toHaveLength(names.length + 2);
  });
});

describe("vmstate's migrations in public.pgmigrations, applied by the stock command line with its defaults:", () => {
  it("vmstate migrate applies the next one, and leaves that table alone", async () => {
    await upOurs();
    const before = await db.sql`select id, name, run_on from public.pgmigrations`;
    expect(await migrate()).toEqual([]);
    addToBoth();
    expect(await migrate()).toEqual([next]);
    expect([...(await db.sql`select id, name, run_on from public.pgmigrations`)]).toEqual([...before]);
    expect(await recordedIn("vmstate")).toEqual([...names, next]);
  });

  it("the application's migrations are refused until vmstate's rows are deleted there, as docs/operations.md says", async () => {
    await upOurs();
    await expect(upApp()).rejects.toThrow(/Not run migration 1700000000000_app is preceding/);
    await migrate();
    await db.sql`delete from public.pgmigrations where name in (select name from vmstate.pgmigrations)`;
    await upApp();
    addToBoth();
    await upApp();
    expect(await migrate()).toEqual([next]);
    await upOurs(...OWN_TABLE);
    expect(await recordedIn("public")).toEqual([APP, MORE]);
  });

  it("the stock command line refuses vmstate's migrations after the application's, and vmstate migrate installs", async () => {
    await upApp();
    await expect(upOurs()).rejects.toThrow(/Not run migration 0001_vmstate is preceding/);
    expect(await db.sql`select to_regnamespace('vmstate') as schema`).toEqual([{ schema: null }]);
    expect(await migrate()).toEqual(names);
    expect(await findDrift(db.sql)).toEqual([]);
    addToBoth();
    await upApp();
    expect(await recordedIn("public")).toEqual([APP, MORE]);
  });
});
