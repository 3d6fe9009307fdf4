import type postgres from "postgres";
import { findRoute, newPool } from "../connection/pool.js";
import { migrate } from "../schema/migrate.js";

/** Runs `act` with a connection for creating and dropping databases, and closes the connection. */
export async function asAdmin<T>(serverUrl: string, act: (admin: postgres.Sql) => Promise<T>): Promise<T> {
  const admin = await newPool(await findRoute(serverUrl, "vmstate testing"), { max: 1 });
  try {
    return await act(admin);
  } finally {
    await admin.end();
  }
}

/** Returns the URL of another database, with the same server and user. */
export function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}

export async function copyDatabase(admin: postgres.Sql, name: string, template: string): Promise<void> {
  await admin`create database ${admin(name)} template ${admin(template)} strategy file_copy`;
}

/**
 * Drops a database, even if other sessions are connected to the database.
 *
 * It does not use FORCE, which older servers refuse to roles other than superusers while an autovacuum worker is in the
 * database. A plain DROP DATABASE ends such workers itself, and waits for the sessions that were told to end.
 */
export async function dropDatabase(admin: postgres.Sql, name: string): Promise<void> {
  await admin`
    select pg_catalog.pg_terminate_backend(a.pid) from pg_catalog.pg_stat_activity as a
    where a.datname operator(pg_catalog.=) ${name} and a.usesysid is not null`;
  await admin`drop database if exists ${admin(name)}`;
}

/**
 * Creates a database and migrates it.
 *
 * @param url of the database to make
 */
export async function createMigrated(admin: postgres.Sql, url: string): Promise<void> {
  await admin`create database ${admin(nameIn(url))} template template0`;
  await migrate(url);
}

/** Closes a database to connections for good, so that it can be copied. */
export async function closeToAll(admin: postgres.Sql, url: string): Promise<void> {
  await admin`alter database ${admin(nameIn(url))} with allow_connections false`;
}

function nameIn(url: string): string {
  return new URL(url).pathname.slice(1);
}
