import type { Client, ClientConfig } from "pg";
import type { DatabaseUrl } from "../errors/database-url/url.js";
import { sqlStateOf } from "../errors/sql-state.js";
import { requireChannelBinding, requiresChannelBinding } from "./channel-binding.js";
import { isAboutTls, isWithoutTls } from "./failure.js";
import type { Route } from "./route.js";
import { NO_TRANSACTION_TIMEOUT } from "./settings.js";
import { pinned } from "./tls.js";

export interface OpenConnection {
  /** The caller ends it. */
  client: Client;
  route: Route;
}

/**
 * Connects by the first route that works.
 *
 * Of several failures it throws the first, which says more than those of the fallbacks.
 */
export async function connectTo(
  routes: readonly Route[],
  { parameters }: DatabaseUrl,
): Promise<OpenConnection> {
  const isBound = requiresChannelBinding(parameters);
  let failure: unknown;
  for (const route of routes) {
    try {
      return await connectPastPooler(route, isBound);
    } catch (error) {
      if (failure === undefined || isWithoutTls(failure)) failure = error;
      if (!isAboutTls(error)) break;
    }
  }
  throw failure;
}

/** How poolers refuse `options`: PgBouncer as a violation of the protocol, others as not supported. */
const REFUSALS = ["08P01", "0A000"];

async function connectPastPooler(route: Route, isBound: boolean): Promise<OpenConnection> {
  try {
    return await withoutTransactionTimeout(await connect(route, isBound), isBound);
  } catch (error) {
    if (!REFUSALS.includes(sqlStateOf(error))) throw error;
    return await connect({ ...route, options: route.optionsOfUser }, isBound);
  }
}

/**
 * Connects once more without a transaction timeout, if the session has one.
 *
 * Servers before PostgreSQL 17 refuse an option of that name, so the option is sent only to a server that has it.
 */
async function withoutTransactionTimeout(open: OpenConnection, isBound: boolean): Promise<OpenConnection> {
  const { client, route } = open;
  const { rows } = await client.query<{ timeout: string | null }>(
    "select pg_catalog.current_setting('transaction_timeout', true) as timeout",
  );
  if (rows.every(({ timeout }) => timeout === null || timeout === "0")) return open;
  await client.end();
  return await connect({ ...route, options: `${route.options} ${NO_TRANSACTION_TIMEOUT}` }, isBound);
}

async function connect(route: Route, isBound: boolean): Promise<OpenConnection> {
  const { Client } = await import("pg");
  const client = new Client({ ...configOf(route), enableChannelBinding: isBound });
  // A lost connection rejects the query under way; without a listener it would end the process as well.
  client.on("error", () => undefined);
  const certificate = isBound ? requireChannelBinding(client) : undefined;
  try {
    await client.connect();
    return { client, route: certificate ? withPinned(route, certificate()) : route };
  } catch (error) {
    await client.end();
    throw error;
  }
}

/**
 * Makes later connections of a route accept only this certificate.
 *
 * Another client may not be able to bind the channel; that it meets the same certificate proves the same server.
 */
function withPinned(route: Route, certificate: Buffer): Route {
  return { ...route, tls: pinned({ ...route.tls }, certificate) };
}

function configOf(route: Route): ClientConfig {
  const { host, tls, user, password, database, options, applicationName, connectTimeoutS, keepAliveS } =
    route;
  return {
    ...{ host: host.name, port: host.port, ssl: tls, user, password: password ?? "", database, options },
    application_name: applicationName,
    sslnegotiation: route.tlsNegotiation,
    connectionTimeoutMillis: connectTimeoutS * 1000,
    keepAlive: keepAliveS > 0,
    keepAliveInitialDelayMillis: keepAliveS * 1000,
  };
}
