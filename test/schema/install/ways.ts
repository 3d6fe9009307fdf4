import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import postgres from "postgres";
import { PACKAGE_ROOT, readMigrations } from "../../../src/schema/files.js";
import { migrateFrom } from "../../../src/schema/migrate-from.js";
import { PackageCopy } from "../../support/package-copy.js";

/** Applies what is pending of the first `last` migrations. */
export type Way = (databaseUrl: string, last: number) => Promise<void>;

const migrations = await readMigrations(PACKAGE_ROOT);

/** As `psql --single-transaction` does with each file. */
export const byHand: Way = async (databaseUrl, last) => {
  const sql = postgres(databaseUrl, { max: 1, fetch_types: false, onnotice: () => undefined });
  try {
    const [{ done }] = await sql<[{ done: number }]>`
      select case when pg_catalog.to_regclass('vmstate.schema_change') is null then 0 else 1 end as done`;
    const first = done === 0 ? 0 : await countOf(sql);
    for (const { text } of migrations.slice(first, last))
      await sql.begin((transaction) => transaction.unsafe(text));
  } finally {
    await sql.end();
  }
};

async function countOf(sql: postgres.Sql): Promise<number> {
  const rows = await sql`select from vmstate.schema_change`;
  return rows.count;
}

const ours: Way = async (databaseUrl, last) => {
  using copy = copyOfFirst(last);
  await migrateFrom(copy.root, databaseUrl);
};

const stock =
  (...options: string[]): Way =>
  async (databaseUrl, last) => {
    using copy = copyOfFirst(last);
    const cli = join(PACKAGE_ROOT, "node_modules/node-pg-migrate/bin/node-pg-migrate.js");
    const env = { ...process.env, DATABASE_URL: databaseUrl };
    const bookkeeping = ["--migrations-schema", "public"];
    await promisify(execFile)(process.execPath, [cli, "up", ...options, ...bookkeeping], {
      cwd: copy.root,
      env,
      maxBuffer: 2 ** 26,
    });
  };

function copyOfFirst(last: number): PackageCopy {
  const copy = new PackageCopy();
  for (const { name } of migrations.slice(last)) copy.remove(`migrations/${name}.sql`);
  return copy;
}

/** By title, the ways to apply migrations. */
export const WAYS: [string, Way][] = [
  ["plain SQL, a transaction for each file", byHand],
  ["migrate", ours],
  ["the stock node-pg-migrate, one transaction for all", stock()],
  ["the stock node-pg-migrate, a transaction for each", stock("--no-single-transaction")],
];
