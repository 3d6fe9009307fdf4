import type { Client } from "pg";
import { openConnection } from "../connection/open.js";
import { databaseError } from "../errors/database-error.js";

/**
 * Connects, hands the connection to `use`, and closes it in any case.
 *
 * An open transaction is rolled back then. Each transaction starts with `beginning`.
 *
 * @throws VmstateError when the server cannot be reached, refuses, is too old, or for any other error of the database
 */
export async function withSession<T>(databaseUrl: string, use: (client: Client) => Promise<T>): Promise<T> {
  const { client } = await openConnection(databaseUrl, "vmstate migrate");
  try {
    return await use(client);
  } catch (error) {
    throw databaseError(error, databaseUrl);
  } finally {
    await client.end();
  }
}
