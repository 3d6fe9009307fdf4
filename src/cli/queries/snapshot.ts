import type postgres from "postgres";
import { LOCAL_SETTINGS } from "../../connection/settings.js";
import { type Database, withDatabase } from "../database.js";
import type { Io } from "../../terminal/io.js";
import type { DatabaseUrlOption } from "../options.js";

/** Runs `read` in one read-only transaction, so that it sees a single moment. */
export async function withSnapshot<T>(
  io: Io,
  options: DatabaseUrlOption,
  read: (sql: postgres.TransactionSql, database: Database) => Promise<T>,
): Promise<T> {
  return await withDatabase(
    io,
    { ...options, embedded: false },
    async (database) =>
      (await database.sql.begin("isolation level repeatable read read only", async (sql) => {
        await sql.unsafe(LOCAL_SETTINGS);
        return await read(sql, database);
      })) as T,
  );
}
