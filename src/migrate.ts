import { fileURLToPath } from "node:url";
import type { Client } from "pg";
import { databaseError, requireDatabaseUrl } from "./database-error.js";
import { VmstateError } from "./errors.js";
import { requireSupportedVersion } from "./server-version.js";

export interface MigrateOptions {
  /** Receives one line per step. Default: silence. */
  log?: (line: string) => void;
}

const MIGRATIONS = fileURLToPath(new URL("../migrations", import.meta.url));
const CONNECT_TIMEOUT_MS = 15_000;

/**
 * Applies the migrations of this package that the database does not have yet, all in one transaction.
 * If somebody else is migrating the database, waits until they are done.
 *
 * @param databaseUrl `postgres://user:password@host:port/database`
 * @returns the names of the migrations applied, in order; empty when there was nothing to do
 * @throws VmstateError when the server cannot be reached, refuses, is too old, or a migration fails
 */
export async function migrate(databaseUrl: string, options: MigrateOptions = {}): Promise<string[]> {
  return await runMigrations(databaseUrl, MIGRATIONS, options);
}

/** As {@link migrate}, with the files of another directory. */
export async function runMigrations(
  databaseUrl: string,
  dir: string,
  { log = silent }: MigrateOptions = {},
): Promise<string[]> {
  requireDatabaseUrl(databaseUrl);
  const client = await newClient(databaseUrl);
  try {
    await client.connect();
    await requireSupportedServer(client);
    await requireOwnBookkeeping(client);
    return await applyPending(client, dir, log);
  } catch (error) {
    throw databaseError(error, databaseUrl);
  } finally {
    await client.end();
  }
}

async function newClient(connectionString: string): Promise<Client> {
  const { Client } = await import("pg");
  const client = new Client({
    connectionString,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: "vmstate migrate",
  });
  // A lost connection rejects the query under way; without a listener it would end the process as well.
  return client.on("error", silent);
}

async function requireSupportedServer(client: Client): Promise<void> {
  const { rows } = await client.query<{ server_version: string }>("show server_version");
  for (const { server_version } of rows) requireSupportedVersion(server_version);
}

/** With no record of what plain SQL or another tool applied, all of it would look pending. */
async function requireOwnBookkeeping(client: Client): Promise<void> {
  const { rowCount } = await client.query(
    "select where to_regclass('vmstate.instance') is not null and to_regclass('vmstate.pgmigrations') is null",
  );
  if (rowCount === 0) return;
  throw new VmstateError(
    "schema vmstate is there without vmstate.pgmigrations: migrate it as it was installed",
  );
}

async function applyPending(client: Client, dir: string, log: (line: string) => void): Promise<string[]> {
  const { runner } = await import("node-pg-migrate");
  const applied = await runner({
    dbClient: client,
    dir,
    direction: "up",
    migrationsSchema: "vmstate",
    createMigrationsSchema: true,
    migrationsTable: "pgmigrations",
    singleTransaction: true,
    advisoryLockMode: "wait",
    // Its errors are whole files of SQL; what matters of them is thrown.
    logger: { info: log, warn: log, error: silent },
  });
  return applied.map(({ name }) => name);
}

function silent(): void {
  // nothing
}
