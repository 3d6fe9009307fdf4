import type postgres from "postgres";
import { LOCAL_SETTINGS } from "../../connection/settings.js";
import { type Database, withDatabase } from "../database.js";
import type { Io } from "../../terminal/io.js";
import type { DatabaseUrlOption } from "../options.js";

/** A database that a command only reads. */
export interface ReadDatabase {
  /** For people: `database app at db.example:5432`. */
  where: string;
  /** Runs `read` in one read-only transaction, so that it sees a single moment. */
  snapshot: <T>(read: (sql: postgres.TransactionSql) => Promise<T>) => Promise<T>;
}

/** Connects, and hands over what reads snapshots of the database. */
export async function withConnection<T>(
  io: Io,
  options: DatabaseUrlOption,
  use: (database: ReadDatabase) => Promise<T>,
): Promise<T> {
  return await withDatabase(io, { ...options, embedded: false }, ({ sql, where }) =>
    use({ where, snapshot: (read) => readSnapshot(sql, read) }),
  );
}

/** Runs `read` in one read-only transaction of its own connection. */
export async function withSnapshot<T>(
  io: Io,
  options: DatabaseUrlOption,
  read: (sql: postgres.TransactionSql, database: ReadDatabase) => Promise<T>,
): Promise<T> {
  return await withConnection(io, options, (database) => database.snapshot((sql) => read(sql, database)));
}

async function readSnapshot<T>(
  sql: Database["sql"],
  read: (sql: postgres.TransactionSql) => Promise<T>,
): Promise<T> {
  return (await sql.begin("isolation level repeatable read read only", async (transaction) => {
    await transaction.unsafe(LOCAL_SETTINGS);
    return await read(transaction);
  })) as T;
}
