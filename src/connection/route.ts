import { oneOf, wholeNumber } from "../errors/database-url/parameters.js";
import type { DatabaseUrl, Host } from "../errors/database-url/url.js";
import { VmstateError } from "../errors/vmstate-error.js";
import { requiresChannelBinding } from "./channel-binding.js";
import { passwordFromFile } from "./password-file.js";
import { startupOptions } from "./settings.js";
import { type Tls, tlsAttempts } from "./tls.js";

/** A way to connect to a host. Once a server has accepted one client on a route, others can connect on the same one. */
export interface Route {
  host: Host;
  tls: Tls;
  /** `direct`: TLS begins at once, without asking in PostgreSQL's protocol. */
  tlsNegotiation: TlsNegotiation;
  /** What the server gets as `options`. */
  options: string;
  /** The `options` of the URL alone, for sessions without our settings. */
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

const NEGOTIATIONS = ["postgres", "direct"] as const;
type TlsNegotiation = (typeof NEGOTIATIONS)[number];

/** How long to wait for a connection when the URL does not say. */
export const CONNECT_TIMEOUT_S = 10;
const KEEP_ALIVE_S = 60;

/** Lists the ways to a host, in the order in which they are to be tried. */
export async function routesTo(host: Host, url: DatabaseUrl, applicationName: string): Promise<Route[]> {
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
