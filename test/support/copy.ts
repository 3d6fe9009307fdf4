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

const CLOSE_TIMEOUT_S = 1;

/** Makes a database of that name, as a copy of another one. */
export async function copyDatabase({ serverUrl, name, template, keep = false }: Copy): Promise<TestDatabase> {
  await asAdmin(serverUrl, (admin) => copy(admin, name, template));
  const url = withDatabase(serverUrl, name);
  const clients: postgres.Sql[] = [];

  const connect = (options: ClientOptions = {}): postgres.Sql => {
    const client: postgres.Sql = postgres(url, { onnotice: () => undefined, ...options });
    clients.push(client);
    return client;
  };
  const drop = async (): Promise<void> => {
    await Promise.all(clients.map((client) => client.end({ timeout: CLOSE_TIMEOUT_S })));
    if (keep) return;
    await asAdmin(serverUrl, (admin) => dropDatabase(admin, name));
  };
  return { url, sql: connect(), connect, drop, [Symbol.asyncDispose]: drop };
}
