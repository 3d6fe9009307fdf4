import { TLSSocket } from "node:tls";
import type { Client } from "pg";
import { VmstateError } from "../errors/vmstate-error.js";
import { oneOf, type Parameters } from "../errors/database-url/parameters.js";

const MECHANISM = "SCRAM-SHA-256-PLUS";

/**
 * Tells whether `channel_binding` is `require`.
 *
 * @throws VmstateError when the value is unknown
 */
export function requiresChannelBinding({ channel_binding: value = "prefer" }: Parameters): boolean {
  return oneOf("channel_binding", value, ["disable", "prefer", "require"]) === "require";
}

/**
 * Makes the client refuse a server that cannot prove to be the TLS endpoint.
 *
 * The server proves, bound to this very TLS connection, that it knows the password's verifier; to any other server the
 * client tells nothing. Call the function before the client connects, and what the function returns afterwards.
 *
 * @returns the certificate that the channel was bound to; throws when a server let the client in without proof
 */
export function requireChannelBinding({ connection }: Client): () => Buffer {
  let isBound = false;
  const refuse = (): void => {
    connection.stream.destroy(unbound());
  };
  connection.on("authenticationSASL", ({ mechanisms }: { mechanisms: string[] }) => {
    isBound = mechanisms.includes(MECHANISM);
    if (!isBound) refuse();
  });
  connection.on("authenticationCleartextPassword", refuse);
  connection.on("authenticationMD5Password", refuse);
  return () => {
    const { stream } = connection;
    if (isBound && stream instanceof TLSSocket) return stream.getPeerCertificate().raw;
    throw unbound();
  };
}

function unbound(): VmstateError {
  return new VmstateError(
    "channel_binding=require: the server does not offer SCRAM-SHA-256-PLUS for this user",
  );
}
