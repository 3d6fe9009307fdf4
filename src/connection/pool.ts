import type postgres from "postgres";
import { optionalPackage } from "../errors/optional-package.js";
import { openConnection } from "./open.js";
import type { Route } from "./route.js";

export interface PoolOptions {
  /** At most so many connections. */
  max?: number;
  /** Whether to prepare statements, unless the connection goes through a pooler. Default: no. */
  prepare?: boolean;
}

/**
 * Loads `postgres`, which only some commands need, so that the rest works without it.
 *
 * @throws VmstateError that says what to install
 */
async function loadPostgres(): Promise<typeof postgres> {
  return (await optionalPackage("postgres", () => import("postgres"))).default;
}

/**
 * Finds a way to the server by connecting once.
 *
 * @throws VmstateError when no server can be reached, refuses, or is too old
 */
export async function findRoute(databaseUrl: string, applicationName: string): Promise<Route> {
  const { client, route } = await openConnection(databaseUrl, applicationName);
  await client.end();
  return route;
}

/** Makes a client whose sessions have our settings. */
export async function newPool(
  route: Route,
  { max = 10, prepare = false }: PoolOptions = {},
): Promise<postgres.Sql> {
  const postgres = await loadPostgres();
  return postgres({
    ...commonOptions(route, route.options),
    max,
    // A pooler that refused our options may give the next transaction another server connection.
    prepare: prepare && route.options !== route.optionsOfUser,
    // Fetching types would query the server with operators that resolve by the role's search_path.
    fetch_types: false,
    onnotice: () => undefined,
  });
}

/** Makes a client with default options, for sessions of the URL's user. */
export async function newPlainPool(route: Route): Promise<postgres.Sql> {
  const postgres = await loadPostgres();
  return postgres(commonOptions(route, route.optionsOfUser));
}

function commonOptions(
  route: Route,
  options: string,
): postgres.Options<Record<string, postgres.PostgresType>> {
  const { host, tls, user, password, database, applicationName, connectTimeoutS, keepAliveS } = route;
  return {
    ...{ host: host.name, port: host.port, user, password: password ?? "", database, ssl: tls },
    ...(route.tlsNegotiation === "direct" && { sslnegotiation: "direct" }),
    connection: { application_name: applicationName, options },
    connect_timeout: connectTimeoutS,
    keep_alive: keepAliveS,
  };
}
