import type { Client } from "pg";
import { databaseError, requireDatabaseUrl } from "../database-error.js";
import { requireSupportedVersion } from "../server-version.js";

const CONNECT_TIMEOUT_MS = 15_000;

/**
 * Connects, hands the connection to `use`, and closes it whatever happens; a transaction that is open then is rolled
 * back.
 *
 * @throws VmstateError when the server cannot be reached, refuses, is too old, or for any other error of the database
 */
export async function withSession<T>(databaseUrl: string, use: (client: Client) => Promise<T>): Promise<T> {
  requireDatabaseUrl(databaseUrl);
  const client = await newClient(databaseUrl);
  try {
    await client.connect();
    await requireSupportedServer(client);
    return await use(client);
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
  return client.on("error", () => undefined);
}

async function requireSupportedServer(client: Client): Promise<void> {
  const { rows } = await client.query<{ server_version: string }>("show server_version");
  for (const { server_version } of rows) requireSupportedVersion(server_version);
}
