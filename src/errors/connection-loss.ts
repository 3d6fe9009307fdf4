import { driverErrorIn } from "./prisma-error.js";

/** Codes of Node's sockets and of `postgres`. */
const CODES = new Set([
  "CONNECTION_CLOSED",
  "CONNECT_TIMEOUT",
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENETDOWN",
  "EAI_AGAIN",
]);

/** Messages of `pg` for a lost connection, whose errors have no code. */
const MESSAGES_OF_PG = new Set([
  "Connection terminated unexpectedly",
  "Connection terminated due to connection timeout",
  "Client has encountered a connection error and is not queryable",
  "timeout exceeded when trying to connect",
  "timeout expired",
]);

/** Codes of `postgres`, and messages of `pg`, of a client that its own program has closed: it never connects again. */
const CLOSED = new Set([
  "CONNECTION_ENDED",
  "CONNECTION_DESTROYED",
  "Connection terminated",
  "Client was closed and is not queryable",
  "Cannot use a pool after calling end on the pool",
]);

/** A client's own error for a connection that is lost or was never made, as opposed to an error of the server. */
export interface ConnectionLoss {
  error: Error;
  code: string | undefined;
  /** Whether the program itself has closed the client. */
  isClosed: boolean;
}

/** Finds the error of a lost connection, also where a library on top of the client has wrapped that error. */
export function connectionLossIn(error: unknown): ConnectionLoss | undefined {
  if (!(error instanceof Error)) return undefined;
  const driverError = driverErrorIn(error);
  if (driverError !== undefined) return connectionLossIn(driverError);
  const code = "code" in error && error.code !== undefined ? (error.code as string) : undefined;
  const isClosed = CLOSED.has(code ?? error.message);
  if (isClosed || isLost(error, code)) return { error, code, isClosed };
  return connectionLossIn(error.cause);
}

function isLost(error: Error, code: string | undefined): boolean {
  if (code === undefined) return MESSAGES_OF_PG.has(error.message);
  // The socket file is not there while the server restarts.
  return CODES.has(code) || (code === "ENOENT" && "syscall" in error && error.syscall === "connect");
}
