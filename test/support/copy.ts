import postgres from "postgres";
import { asAdmin, copyDatabase as copy, dropDatabase, withDatabase } from "../../src/testing/databases.js";

/** A client's options; its types are those of a plain `postgres()`. */
export type ClientOptions = postgres.Options<Record<string, postgres.PostgresType>>;

/** A database of its own, and its clients. */
export interface TestDatabase extends AsyncDisposable {
  url: string;
  /** A client with default options, open until `drop`. */
  sql: postgres.Sql;
  /** One more client, closed by `drop` at the latest. */
  connect: (options?: ClientOptions) => postgres.Sql;
  /** Closes all clients and drops the database. */
  drop: () => Promise<void>;
}

export interface Copy {
  serverUrl: string;
  name: string;
  template: string;
  /** Whether `drop` only closes the clients. */
  keep?: boolean;
}

/** Long enough for a connection that is being opened: one that is closed then rejects outside of every call. */
const CLOSE_TIMEOUT_S = 10;

/** A database that does not exist until `create` makes it. */
export interface PlannedDatabase extends TestDatabase {
  create: () => Promise<void>;
}

/** Makes a database of that name, as a copy of another one. */
export async function copyDatabase(copy: Copy): Promise<TestDatabase> {
  const database = planDatabase(copy);
  await database.create();
  return database;
}

/** The URL and the client of a database to be made: a client connects only when it is first used. */
export function planDatabase({ serverUrl, name, template, keep = false }: Copy): PlannedDatabase {
  const url = withDatabase(serverUrl, name);
  const clients: postgres.Sql[] = [];

  const connect = (options: ClientOptions = {}): postgres.Sql => {
    const client: postgres.Sql = postgres(url, { onnotice: () => undefined, ...options });
    clients.push(client);
    return client;
  };
  const create = (): Promise<void> => asAdmin(serverUrl, (admin) => copy(admin, name, template));
  const drop = async (): Promise<void> => {
    await Promise.all(clients.map((client) => client.end({ timeout: CLOSE_TIMEOUT_S })));
    if (keep) return;
    await asAdmin(serverUrl, (admin) => dropDatabase(admin, name));
  };
  return { url, sql: connect(), connect, create, drop, [Symbol.asyncDispose]: drop };
}
