import postgres from "postgres";
import { databaseError, requireDatabaseUrl } from "../database-error.js";
import { startEmbedded } from "../embedded/start.js";
import { VmstateError } from "../errors.js";
import { migrate } from "../migrate.js";
import { requireSupportedVersion } from "../server-version.js";
import { orInterruption } from "./interruption.js";
import type { Io } from "./io.js";

export interface DatabaseOptions {
  /** Empty counts as not given. */
  databaseUrl?: string | undefined;
  /** Without a URL, start a migrated throw-away server. */
  embedded: boolean;
  /** The database must have been migrated. Default: true. */
  migrated?: boolean;
}

export interface Database {
  sql: postgres.Sql;
  url: string;
  /** For people, without a password: `database app at db.example:5432`. */
  where: string;
  embedded: boolean;
  /** Ends all connections, at once, and the server if it is ours. May be called again. */
  close: () => Promise<void>;
}

const CONNECT_TIMEOUT_S = 15;

/**
 * Opens the database, hands it to `use`, and closes it whatever happens. On a signal `use` is not waited for; its
 * queries fail.
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
    signal.throwIfAborted();
    return await orInterruption(use(database), signal);
  } catch (error) {
    throw databaseError(error, database.url);
  } finally {
    await database.close();
  }
}

/**
 * With a URL: connects, and checks that PostgreSQL answers, is recent enough and has been migrated. Without: starts a
 * throw-away server and migrates it.
 *
 * @throws VmstateError that says what to do
 */
export async function openDatabase(
  { databaseUrl, embedded, migrated = true }: DatabaseOptions,
  signal: AbortSignal = new AbortController().signal,
): Promise<Database> {
  if (embedded && !databaseUrl) return await startServer();
  return await connect(requireUrl(databaseUrl), migrated, signal);
}

/** @throws VmstateError when it is missing or empty */
export function requireUrl(databaseUrl: string | undefined): string {
  if (databaseUrl) return databaseUrl;
  throw new VmstateError("which database? Pass --database-url or set DATABASE_URL");
}

async function connect(url: string, migrated: boolean, signal: AbortSignal): Promise<Database> {
  requireDatabaseUrl(url);
  const sql = newClient(url);
  try {
    await orInterruption(requireServer(sql, migrated), signal);
  } catch (error) {
    await endAtOnce(sql);
    throw databaseError(error, url);
  }
  return { sql, url, where: describe(url), embedded: false, close: () => endAtOnce(sql) };
}

async function requireServer(sql: postgres.Sql, migrated: boolean): Promise<void> {
  const [row] = await sql<[{ version: string; found: boolean }]>`
    select current_setting('server_version') as version, to_regclass('vmstate.instance') is not null as found`;
  requireSupportedVersion(row.version);
  if (migrated && !row.found)
    throw new VmstateError("this database has no vmstate yet: run `vmstate migrate`");
}

/** Should a step fail, the server still ends with this process. */
async function startServer(): Promise<Database> {
  const { url, version, stop } = await startEmbedded();
  await migrate(url);
  const sql = newClient(url);
  const close = async (): Promise<void> => {
    await endAtOnce(sql);
    await stop();
  };
  return { sql, url, where: `embedded PostgreSQL ${version}`, embedded: true, close };
}

function newClient(url: string): postgres.Sql {
  return postgres(url, {
    connect_timeout: CONNECT_TIMEOUT_S,
    connection: { application_name: "vmstate" },
    onnotice: () => undefined,
  });
}

async function endAtOnce(sql: postgres.Sql): Promise<void> {
  await sql.end({ timeout: 0 });
}

function describe(url: string): string {
  const { host, pathname } = new URL(url);
  return `database ${decodeURIComponent(pathname.slice(1))} at ${host}`;
}
