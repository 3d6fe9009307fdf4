import { readFileSync } from "node:fs";
import type { ConnectionOptions, SecureVersion } from "node:tls";
import { VmstateError } from "../errors/vmstate-error.js";
import { oneOf, type Parameters } from "../errors/database-url/parameters.js";

/** How a connection is encrypted; false: not at all. */
export type Tls = false | ConnectionOptions;

const MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full", "no-verify"] as const;
const DEFAULT_MODE = "prefer";
/** The certificates that Node.js comes with. */
const SYSTEM = "system";
/** Of libpq; `TLSv1.2` for example. */
const VERSIONS = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] as const;

/**
 * Lists the ways to connect that `sslmode` allows, in the order of libpq.
 *
 * As in libpq, a root certificate means that the server's certificate is verified in every mode; only `verify-full`
 * verifies the host's name too.
 *
 * @throws VmstateError when the mode is unknown, a file cannot be read, or the parameters contradict each other
 */
export function tlsAttempts(parameters: Parameters, host: string): Tls[] {
  const mode = oneOf("sslmode", parameters.sslmode ?? defaultMode(parameters), MODES);
  if (parameters.sslrootcert === SYSTEM && mode !== "verify-full")
    throw new VmstateError(`sslrootcert=system needs sslmode=verify-full, not ${mode}`);
  if (mode === "verify-ca" && parameters.sslrootcert === undefined)
    throw new VmstateError("sslmode=verify-ca needs sslrootcert, the file of the authority's certificate");
  // A Unix socket needs no TLS: nobody can listen in.
  if (host.startsWith("/") || mode === "disable") return [false];
  const tls = { ...optionsFor(mode, parameters), host };
  if (mode === "allow") return [false, tls];
  return mode === "prefer" ? [tls, false] : [tls];
}

function defaultMode({ sslrootcert, sslnegotiation }: Parameters): string {
  if (sslrootcert === SYSTEM) return "verify-full";
  return sslnegotiation === "direct" ? "require" : DEFAULT_MODE;
}

function optionsFor(mode: (typeof MODES)[number], parameters: Parameters): ConnectionOptions {
  const { sslrootcert, sslcert, sslkey, sslpassword } = parameters;
  const ca = sslrootcert === SYSTEM ? undefined : read("sslrootcert", sslrootcert);
  const isVerified = mode === "verify-full" || (ca !== undefined && mode !== "no-verify");
  return {
    rejectUnauthorized: isVerified,
    ...(mode !== "verify-full" && { checkServerIdentity: anyName }),
    ...(ca !== undefined && { ca }),
    ...(sslcert !== undefined && { cert: read("sslcert", sslcert) }),
    ...(sslkey !== undefined && { key: read("sslkey", sslkey) }),
    ...(sslpassword !== undefined && { passphrase: sslpassword }),
    ...versions(parameters),
  };
}

function anyName(): undefined {
  return undefined;
}

function versions({ ssl_min_protocol_version: min, ssl_max_protocol_version: max }: Parameters): {
  minVersion?: SecureVersion;
  maxVersion?: SecureVersion;
} {
  return {
    ...(min !== undefined && { minVersion: oneOf("ssl_min_protocol_version", min, VERSIONS) }),
    ...(max !== undefined && { maxVersion: oneOf("ssl_max_protocol_version", max, VERSIONS) }),
  };
}

function read(parameter: string, file: string): string;
function read(parameter: string, file: string | undefined): string | undefined;
function read(parameter: string, file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new VmstateError(`${parameter}: ${file} cannot be read`, { cause });
  }
}

/** Trusts one certificate of a server, and no other. */
export function pinned(tls: ConnectionOptions, der: Buffer): ConnectionOptions {
  const base64 = der.toString("base64").replaceAll(/.{64}/g, "$&\n");
  const ca = `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`;
  return { ...tls, ca, allowPartialTrustChain: true, rejectUnauthorized: true, checkServerIdentity: anyName };
}
