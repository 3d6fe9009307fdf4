import type { Client, ClientConfig } from "pg";
import { databaseError } from "../errors/database-error.js";
import { sqlStateOf } from "../errors/sql-state.js";
import { VmstateError } from "../errors/vmstate-error.js";
import { requireSupportedVersion } from "./server-version.js";
import { requireChannelBinding, requiresChannelBinding } from "./channel-binding.js";
import { passwordFromFile } from "./password-file.js";
import { oneOf, wholeNumber } from "../errors/database-url/parameters.js";
import { NO_TRANSACTION_TIMEOUT, startupOptions } from "./settings.js";
import { type Choice, choices, noneFits } from "./target.js";
import { pinned, type Tls, tlsAttempts } from "./tls.js";
import { type DatabaseUrl, type Host, parseDatabaseUrl } from "../errors/database-url/url.js";

/** A way to connect that a server accepted. Every client that goes this way gets the same. */
export interface Route {
  host: Host;
  tls: Tls;
  /** `direct`: TLS begins at once, without asking in PostgreSQL's protocol. */
  tlsNegotiation: TlsNegotiation;
  /** What the server gets as `options`. */
  options: string;
  /** Of the user alone: for sessions that are not ours. */
  optionsOfUser: string;
  user: string;
  password: string | undefined;
  database: string;
  applicationName: string;
  /** 0: no limit. */
  connectTimeoutS: number;
  /** Seconds without traffic until the system asks whether the other side is there; 0: never. */
  keepAliveS: number;
}

export interface OpenConnection {
  /** The caller ends it. */
  client: Client;
  route: Route;
}

const NEGOTIATIONS = ["postgres", "direct"] as const;
type TlsNegotiation = (typeof NEGOTIATIONS)[number];

const CONNECT_TIMEOUT_S = 10;
const KEEP_ALIVE_S = 60;

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

/** What `pg` has no code for. */
const NO_TLS = "The server does not support SSL connections";
const NO_ANSWER_ABOUT_TLS = "There was an error establishing an SSL connection";
const TIMEOUT = "timeout expired";
const HANG_UP = "Connection terminated unexpectedly";

function inWords(cause: unknown, { where, parameters }: DatabaseUrl): VmstateError | undefined {
  const words: Record<string, string> = {
    [NO_TLS]: `${where} does not offer TLS, which sslmode, sslnegotiation or channel_binding requires`,
    [TIMEOUT]: `no PostgreSQL answers at ${where} within ${parameters.connect_timeout ?? CONNECT_TIMEOUT_S} s`,
    [HANG_UP]: `no PostgreSQL answers at ${where}: the connection was closed`,
  };
  const text = words[messageOf(cause)];
  return text === undefined ? undefined : new VmstateError(text, { cause });
}

function messageOf(error: unknown): string {
  return String(error).replace(/^\w*error: /i, "");
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

async function routesTo(host: Host, url: DatabaseUrl, applicationName: string): Promise<Route[]> {
  const { user, database, parameters } = url;
  const password =
    url.password ?? (await passwordFromFile({ host: host.name, port: host.port, database, user }));
  const { options: optionsOfUser = "", sslnegotiation } = parameters;
  const { connect_timeout, keepalives, keepalives_idle } = parameters;
  const timeout = wholeNumber("connect_timeout", connect_timeout ?? String(CONNECT_TIMEOUT_S));
  const idle = wholeNumber("keepalives_idle", keepalives_idle ?? "0") || KEEP_ALIVE_S;
  const negotiation = oneOf("sslnegotiation", sslnegotiation ?? "postgres", NEGOTIATIONS);
  return tlsFor(host, url).map((tls) => ({
    ...{ host, tls, user, password, database },
    tlsNegotiation: tls === false ? "postgres" : negotiation,
    options: startupOptions(optionsOfUser),
    optionsOfUser,
    applicationName: parameters.application_name ?? applicationName,
    connectTimeoutS: Math.max(timeout, 0),
    keepAliveS: keepalives === "0" ? 0 : idle,
  }));
}

function tlsFor({ name }: Host, { parameters }: DatabaseUrl): Tls[] {
  const attempts = tlsAttempts(parameters, name);
  if (!requiresChannelBinding(parameters)) return attempts;
  const encrypted = attempts.filter((tls) => tls !== false);
  if (encrypted.length > 0) return encrypted;
  throw new VmstateError("channel_binding=require needs TLS, which sslmode or the host rules out");
}

/**
 * Connects by the first route that works.
 *
 * Of several failures it throws the first, which says more than those of the fallbacks.
 */
async function connectTo(routes: readonly Route[], { parameters }: DatabaseUrl): Promise<OpenConnection> {
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

function isWithoutTls(error: unknown): boolean {
  return [NO_TLS, NO_ANSWER_ABOUT_TLS].includes(messageOf(error));
}

/** Tells whether pg_hba.conf, or one of the two sides of TLS, refused. */
function isAboutTls(error: unknown): boolean {
  if (sqlStateOf(error) === "28000") return true;
  return /SSL|TLS|certificate/i.test(messageOf(error) + sqlStateOf(error));
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
