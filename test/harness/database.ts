import { randomBytes } from "node:crypto";
import postgres from "postgres";
import { inject } from "vitest";
import { withDatabase } from "./urls.js";

/** A client's options; its types are those of a plain `postgres()`. */
export type ClientOptions = postgres.Options<Record<string, postgres.PostgresType>>;

/** A database of its own for one test file. */
export interface TestDatabase extends AsyncDisposable {
  url: string;
  /** A client with default options, open until `drop`. */
  sql: postgres.Sql;
  /** One more client, closed by `drop` at the latest. */
  connect: (options?: ClientOptions) => postgres.Sql;
  /** Closes all clients and drops the database. */
  drop: () => Promise<void>;
}

const CLOSE_TIMEOUT_S = 1;

/** A copy of the migrated template. */
export async function createDatabase(): Promise<TestDatabase> {
  return await create(inject("templateName"));
}

/** A database with nothing in it, for tests of migrations. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  return await create("template0");
}

async function create(template: string): Promise<TestDatabase> {
  const name = `${inject("databasePrefix")}_${randomBytes(6).toString("hex")}`;
  await asAdmin(
    (admin) => admin`create database ${admin(name)} template ${admin(template)} strategy file_copy`,
  );
  return open(name);
}

function open(name: string): TestDatabase {
  const url = withDatabase(inject("serverUrl"), name);
  const clients: postgres.Sql[] = [];

  const connect = (options: ClientOptions = {}): postgres.Sql => {
    const client: postgres.Sql = postgres(url, { onnotice: () => undefined, ...options });
    clients.push(client);
    return client;
  };
  const drop = async (): Promise<void> => {
    await Promise.all(clients.map((client) => client.end({ timeout: CLOSE_TIMEOUT_S })));
    if (inject("sqlCoverage")) return;
    await asAdmin((admin) => admin`drop database if exists ${admin(name)} with (force)`);
  };
  return { url, sql: connect(), connect, drop, [Symbol.asyncDispose]: drop };
}

async function asAdmin(act: (admin: postgres.Sql) => Promise<unknown>): Promise<void> {
  const admin = postgres(inject("serverUrl"), { max: 1, onnotice: () => undefined });
  try {
    await act(admin);
  } finally {
    await admin.end();
  }
}
