import type { Client } from "pg";
import { type DatabaseUrl, parseDatabaseUrl } from "../errors/database-url/url.js";
import { databaseError } from "../errors/database-error.js";
import { sqlStateOf } from "../errors/sql-state.js";
import { VmstateError } from "../errors/vmstate-error.js";
import { connectTo, type OpenConnection } from "./connect.js";
import { inWords } from "./failure.js";
import { routesTo } from "./route.js";
import { requireSupportedVersion } from "./server-version.js";
import { type Choice, choices, noneFits } from "./target.js";

/**
 * Connects as a database URL says; the session begins with our settings.
 *
 * Tries the hosts of the URL, and what `sslmode` allows, one after the other. A pooler may refuse `options` that it
 * does not know; then {@link beginning} sets them in each transaction.
 *
 * @param applicationName unless the URL has one
 * @throws VmstateError when no server can be reached, refuses, or is too old
 */
export async function openConnection(databaseUrl: string, applicationName: string): Promise<OpenConnection> {
  const url = parseDatabaseUrl(databaseUrl);
  try {
    return await firstThatFits(url, applicationName);
  } catch (error) {
    throw inWords(error, url) ?? databaseError(error, databaseUrl);
  }
}

async function firstThatFits(url: DatabaseUrl, applicationName: string): Promise<OpenConnection> {
  const failures: unknown[] = [];
  for (const fits of choices(url.parameters))
    for (const host of url.hosts) {
      try {
        const open = await connectTo(await routesTo(host, url, applicationName), url);
        if (await isChosen(open, fits)) return open;
      } catch (error) {
        if (!isOfOneHost(error)) throw error;
        failures.push(error);
      }
    }
  if (failures.length === 0) throw noneFits(url.parameters, url.where);
  throw failures[0];
}

/**
 * Tells whether the next host is worth a try after this error.
 *
 * Another host may be up, but a wrong password is wrong everywhere.
 */
function isOfOneHost(error: unknown): boolean {
  return !(error instanceof VmstateError) && !/^(28|3D)/.test(sqlStateOf(error));
}

async function isChosen({ client }: OpenConnection, fits: Choice): Promise<boolean> {
  try {
    await requireSupportedServer(client);
    if (await fits(client)) return true;
  } catch (error) {
    await client.end();
    throw error;
  }
  await client.end();
  return false;
}

async function requireSupportedServer(client: Client): Promise<void> {
  const { rows } = await client.query<{ server_version: string }>("show server_version");
  for (const { server_version } of rows) requireSupportedVersion(server_version);
}
