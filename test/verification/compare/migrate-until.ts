import type postgres from "postgres";
import { PACKAGE_ROOT, readMigrations } from "../../../src/schema/files.js";

/** Applies the schema migrations up to a number to an empty database. */
export async function migrateUntil(sql: postgres.Sql, last: number): Promise<void> {
  for (const { number, text } of await readMigrations(PACKAGE_ROOT))
    if (number <= last) await sql.begin(async (transaction) => await transaction.unsafe(text).simple());
}
