/** What Prisma's adapter of a driver says of the driver's error. */
interface DriverCause {
  kind: string;
  /** The SQLSTATE; undefined of an error of the connection. */
  originalCode?: string;
  originalMessage?: string;
  detail?: string;
  hint?: string;
}

/** By Prisma's word for an error of the connection, the code of Node for it. */
const CODES: Record<string, string> = {
  DatabaseNotReachable: "ECONNREFUSED",
  ConnectionClosed: "ECONNRESET",
  SocketTimeout: "ETIMEDOUT",
};

/**
 * Finds the error of the driver in one of Prisma, whose own code (P2010) says only that a query failed.
 *
 * @returns the error as the driver throws it; undefined when Prisma, or its adapter of the driver, names none
 */
export function driverErrorIn(error: Error): Error | undefined {
  const cause = driverCauseIn(error);
  if (cause === undefined) return undefined;
  const { kind, originalCode, originalMessage, detail, hint } = cause;
  const code = originalCode ?? CODES[kind];
  const message = originalMessage ?? kind;
  return code === undefined ? undefined : Object.assign(new Error(message), { code, detail, hint });
}

function driverCauseIn(error: Error): DriverCause | undefined {
  const { meta } = error as { meta?: { driverAdapterError?: { cause?: DriverCause } } | null };
  return meta?.driverAdapterError?.cause;
}
