import { userInfo } from "node:os";
import { VmstateError } from "../vmstate-error.js";
import { filled, knownParameters, type Parameters } from "./parameters.js";

/** A server that a URL names. */
export interface Host {
  /** A name, an address, or the directory of a Unix socket. */
  name: string;
  port: number;
}

/** What a database URL says, with the environment variables of libpq where the URL says nothing. */
export interface DatabaseUrl {
  /** In the order in which they are tried; at least one. */
  hosts: Host[];
  /** The hosts, for people: as the URL writes them if it does. */
  where: string;
  user: string;
  password: string | undefined;
  database: string;
  parameters: Parameters;
}

const FORM = "expected postgres://user:password@host:port/database";
const DEFAULT_PORT = "5432";

/**
 * Reads a database URL as libpq does, several hosts and Unix sockets included.
 *
 * Its form is `postgres://user:password@host:port/database?parameters`.
 *
 * @throws VmstateError, without the URL, which may contain a password
 */
export function parseDatabaseUrl(url: string): DatabaseUrl {
  const parts = /^postgres(?:ql)?:\/\/(?:([^/?#]*)@)?([^/?#@]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(url);
  if (!parts) throw new VmstateError(`not a database URL; ${FORM}`);
  const [, account = "", authority = "", path = "", query = ""] = parts;
  const [user = "", password] = splitOnce(account, ":").map(decode);
  const { env } = process;
  const parameters = knownParameters(query, env);
  const hosts = parseHosts(authority, parameters, env);
  const name = parameters.user ?? filled(user) ?? filled(env["PGUSER"]) ?? userInfo().username;
  return {
    hosts,
    where: isHostNotInAuthority(authority, parameters) ? hosts.map(whereOf).join(",") : decode(authority),
    user: name,
    password: parameters.password ?? password ?? env["PGPASSWORD"],
    database: parameters.dbname ?? filled(decode(path)) ?? filled(env["PGDATABASE"]) ?? name,
    parameters,
  };
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** Reads the hosts; they may share one port, or each has its own. */
function parseHosts(authority: string, { host, hostaddr, port }: Parameters, env: NodeJS.ProcessEnv): Host[] {
  const inQuery = hostaddr ?? host ?? (authority === "" ? hostOf(env) : undefined);
  const parsed = authority.split(",").map(parseHost);
  const names = inQuery?.split(",") ?? parsed.map(({ name }) => name);
  const inAuthority = filled(parsed.map((one) => one.port).join(","));
  const ports = (port ?? inAuthority ?? env["PGPORT"] ?? "").split(",");
  return names.map((name, i) => ({
    name: filled(name) ?? "localhost",
    port: toPort(filled(ports.length === 1 ? ports[0] : ports[i]) ?? DEFAULT_PORT),
  }));
}

function hostOf(env: NodeJS.ProcessEnv): string | undefined {
  const host = filled(env["PGHOSTADDR"]) ?? filled(env["PGHOST"]);
  if (host !== undefined || filled(env["PGSERVICE"]) === undefined) return host;
  throw new VmstateError("PGSERVICE is not supported: set PGHOST, or pass a URL that names a host");
}

function parseHost(text: string): { name: string; port: string } {
  const parts = /^(\[[\da-f:.%]+\]|[^:[\]]*)(?::(\d*))?$/i.exec(text);
  if (!parts) throw new VmstateError(`not a database URL; ${FORM}`);
  const [, name = "", port = ""] = parts;
  return { name: decode(name.replace(/^\[(.*)\]$/, "$1")), port };
}

function toPort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new VmstateError(`not a database URL; a port is a number from 1 to 65535, not "${text}"`);
}

/** Tells whether a parameter or the environment names the hosts, not the part of the URL before the path. */
function isHostNotInAuthority(authority: string, { host, hostaddr }: Parameters): boolean {
  return authority === "" || (hostaddr ?? host) !== undefined;
}

/** Names a host for people, with its port if that is not the usual one. */
function whereOf({ name, port }: Host): string {
  if (String(port) === DEFAULT_PORT) return name;
  return name.includes(":") ? `[${name}]:${port}` : `${name}:${port}`;
}

/**
 * Decodes the percent escapes of a part of a URL.
 *
 * @throws VmstateError when a % is followed by something else than two hexadecimal digits
 */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new VmstateError("not a database URL: write a % (in a password, for example) as %25", { cause });
  }
}
