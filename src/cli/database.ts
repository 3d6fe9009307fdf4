import type postgres from "postgres";
import { findRoute, newPool, type PoolOptions } from "../connection/pool.js";
import { parseDatabaseUrl } from "../errors/database-url/url.js";
import { databaseError, requireDatabaseUrl } from "../errors/database-error.js";
import { startEmbedded } from "../embedded/start.js";
import { VmstateError } from "../errors/vmstate-error.js";
import { migrate } from "../schema/migrate.js";
import { orInterruption } from "../terminal/interruption.js";
import type { Io } from "../terminal/io.js";

export interface DatabaseOptions {
  /** Empty counts as not given. */
  databaseUrl?: string | undefined;
  /** Without a URL, start a migrated throw-away server. */
  embedded: boolean;
  /** Whether it may be without vmstate. Default: no. */
  mayBeEmpty?: boolean;
}

export interface Database {
  sql: postgres.Sql;
  url: string;
  /** For people, without a password: `database app at db.example:5432`. */
  where: string;
  /** One more client of it, which the caller ends. */
  newClient: (options: PoolOptions) => Promise<postgres.Sql>;
  /** Ends all connections, at once, and the server if it is ours. May be called again. */
  close: () => Promise<void>;
}

const APPLICATION = "vmstate";

/**
 * Opens the database, hands it to `use`, and closes it in any case.
 *
 * On a signal it does not wait for `use`, whose queries then fail.
 *
 * @throws VmstateError for every error of the database
 */
export async function withDatabase<T>(
  { signal }: Io,
  options: DatabaseOptions,
  use: (database: Database) => Promise<T>,
): Promise<T> {
  const database = await openDatabase(options, signal);
  try {
    return await orInterruption(use(database), signal);
  } catch (error) {
    throw databaseError(error, database.url);
  } finally {
    await database.close();
  }
}

/**
 * Connects to the database of a URL, or starts a migrated throw-away server.
 *
 * With a URL, checks that PostgreSQL answers, is recent enough and has been migrated.
 *
 * @throws VmstateError that says what to do
 */
export async function openDatabase(
  { databaseUrl, embedded, mayBeEmpty = false }: DatabaseOptions,
  signal: AbortSignal,
): Promise<Database> {
  if (embedded && !databaseUrl) return await startServer(signal);
  return await connect(requireUrl(databaseUrl), mayBeEmpty, signal);
}

/** Of libpq's variables, those that name a database: without a URL, one of them is enough. */
const NAMING = ["PGHOST", "PGHOSTADDR", "PGDATABASE", "PGSERVICE"];

/**
 * Returns the URL of a database, and refuses anything else.
 *
 * Without a URL, the environment variables of libpq may name the database.
 *
 * @throws VmstateError when it is missing, empty, or no URL of a database
 */
export function requireUrl(databaseUrl: string | undefined): string {
  const url = databaseUrl ?? "";
  const isNamed = url !== "" || NAMING.some((name) => (process.env[name] ?? "") !== "");
  if (!isNamed)
    throw new VmstateError("no database is named: pass --database-url, or set DATABASE_URL or PGHOST");
  const named = url === "" ? "postgres://" : url;
  requireDatabaseUrl(named);
  return named;
}

async function connect(url: string, mayBeEmpty: boolean, signal: AbortSignal): Promise<Database> {
  const route = await orInterruption(findRoute(url, APPLICATION), signal);
  const sql = await newPool(route);
  try {
    if (!mayBeEmpty) await orInterruption(requireInstalled(sql), signal);
  } catch (error) {
    await endAtOnce(sql);
    throw databaseError(error, url);
  }
  const close = (): Promise<void> => endAtOnce(sql);
  return { sql, url, where: describe(url), newClient: (options) => newPool(route, options), close };
}

/**
 * Refuses a database without vmstate; sends the first statement of the session.
 *
 * The statement names the schema of all that it calls, because a pooler may have dropped our search_path.
 */
async function requireInstalled(sql: postgres.Sql): Promise<void> {
  const [row] = await sql<[{ found: boolean }]>`
    select pg_catalog.to_regclass('vmstate.instance') is not null as found`;
  if (!row.found) throw new VmstateError("this database has no schema vmstate: run `vmstate migrate`");
}

/**
 * Starts a throw-away server and migrates it.
 *
 * If a step fails, the server still ends with this process. A signal does not interrupt the start, which is short.
 */
async function startServer(signal: AbortSignal): Promise<Database> {
  const { url, version, stop } = await startEmbedded();
  await migrate(url);
  const route = await findRoute(url, APPLICATION);
  const sql = await newPool(route);
  const close = async (): Promise<void> => {
    await endAtOnce(sql);
    await stop();
  };
  if (signal.aborted) await close();
  signal.throwIfAborted();
  const where = `embedded PostgreSQL ${version}`;
  return { sql, url, where, newClient: (options) => newPool(route, options), close };
}

async function endAtOnce(sql: postgres.Sql): Promise<void> {
  await sql.end({ timeout: 0 });
}

function describe(url: string): string {
  const { where, database } = parseDatabaseUrl(url);
  return `database ${database} at ${where}`;
}
