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
  /** Whether it may be without vmstate. Default: no. */
  mayBeEmpty?: boolean;
}

export interface Database {
  sql: postgres.Sql;
  url: string;
  /** For people, without a password: `database app at db.example:5432`. */
  where: string;
  /** Ends all connections, at once, and the server if it is ours. May be called again. */
  close: () => Promise<void>;
}

const CONNECT_TIMEOUT_S = 10;

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
  { databaseUrl, embedded, mayBeEmpty = false }: DatabaseOptions,
  signal: AbortSignal,
): Promise<Database> {
  if (embedded && !databaseUrl) return await startServer(signal);
  return await connect(requireUrl(databaseUrl), mayBeEmpty, signal);
}

/** @throws VmstateError when it is missing, empty, or no URL of a database */
export function requireUrl(databaseUrl: string | undefined): string {
  if (!databaseUrl) throw new VmstateError("which database? Pass --database-url or set DATABASE_URL");
  requireDatabaseUrl(databaseUrl);
  return databaseUrl;
}

/** Once hung up on by something that is not PostgreSQL, `postgres` would try again for ever. */
async function connect(url: string, mayBeEmpty: boolean, signal: AbortSignal): Promise<Database> {
  const sql = newClient(url);
  const timeout = AbortSignal.timeout(CONNECT_TIMEOUT_S * 1000);
  try {
    await orInterruption(requireServer(sql, mayBeEmpty), AbortSignal.any([signal, timeout]));
  } catch (error) {
    await endAtOnce(sql);
    throw timeout.aborted ? noAnswer(url) : databaseError(error, url);
  }
  return { sql, url, where: describe(url), close: () => endAtOnce(sql) };
}

function noAnswer(url: string): VmstateError {
  return new VmstateError(`no PostgreSQL answers at ${new URL(url).host} within ${CONNECT_TIMEOUT_S} s`);
}

async function requireServer(sql: postgres.Sql, mayBeEmpty: boolean): Promise<void> {
  const [row] = await sql<[{ version: string; found: boolean }]>`
    select current_setting('server_version') as version, to_regclass('vmstate.instance') is not null as found`;
  requireSupportedVersion(row.version);
  if (!row.found && !mayBeEmpty)
    throw new VmstateError("this database has no vmstate yet: run `vmstate migrate`");
}

/** Should a step fail, the server still ends with this process. A start is too short to interrupt. */
async function startServer(signal: AbortSignal): Promise<Database> {
  const { url, version, stop } = await startEmbedded();
  await migrate(url);
  const sql = newClient(url);
  const close = async (): Promise<void> => {
    await endAtOnce(sql);
    await stop();
  };
  if (signal.aborted) await close();
  signal.throwIfAborted();
  return { sql, url, where: `embedded PostgreSQL ${version}`, close };
}

function newClient(url: string): postgres.Sql {
  return postgres(url, {
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
