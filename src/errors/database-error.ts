import { DatabaseError } from "./call-errors.js";
import { parseDatabaseUrl } from "./database-url/url.js";
import { sqlStateOf } from "./sql-state.js";
import { VmstateError } from "./vmstate-error.js";

interface Place {
  server: string;
  user: string;
  database: string;
}

type Explain = (place: Place, message: string) => string;

const unreachable: Explain = ({ server }, message) => `cannot reach PostgreSQL at ${server}: ${message}`;

/** By Node's error code or the server's SQLSTATE. */
const explanations: Record<string, Explain> = {
  ECONNREFUSED: unreachable,
  ECONNRESET: unreachable,
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  ENOENT: unreachable,
  ENOTFOUND: unreachable,
  EAI_AGAIN: unreachable,
  ETIMEDOUT: unreachable,
  CONNECT_TIMEOUT: unreachable,
  "28000": ({ server, user }, message) => `${server} refused user "${user}": ${message}`,
  "28P01": ({ server, user }) => `${server} refused user "${user}": wrong password, or no such user`,
  "3D000": ({ server, database }) => `${server} has no database "${database}"`,
  "42501": ({ user }, message) => `user "${user}" lacks a privilege: ${message}`,
  "08P01": ({ server }, message) => `${server}: ${message}; connect to PostgreSQL itself, not to a pooler`,
  "55P03": () => "another session holds a lock that it did not release in time",
  "25006": ({ database }, message) => `database "${database}" is read-only: ${message}`,
};

const otherwise: Explain = ({ server }, message) => `${server}: ${message}`;

/**
 * Writes an error of the database in one line that says what to look at.
 *
 * The original error is the `cause`; the password is not in the line.
 *
 * @param error what `pg`, `postgres` or a function of this package threw
 */
export function databaseError(error: unknown, databaseUrl: string): VmstateError {
  if (error instanceof DatabaseError) return explained(error.cause ?? error, databaseUrl);
  return error instanceof VmstateError ? error : explained(error, databaseUrl);
}

function explained(error: unknown, databaseUrl: string): VmstateError {
  const explain = explanations[codeOf(error)] ?? otherwise;
  return new VmstateError(explain(placeOf(databaseUrl), firstLine(error)), { cause: error });
}

/**
 * Refuses what is not the URL of a PostgreSQL database.
 *
 * @throws VmstateError when it is not the URL of a PostgreSQL database
 */
export function requireDatabaseUrl(databaseUrl: string): void {
  parseDatabaseUrl(databaseUrl);
}

function placeOf(databaseUrl: string): Place {
  const { where, user, database } = parseDatabaseUrl(databaseUrl);
  return { server: where, user, database };
}

/** Returns the code of an error, also of a timeout of `pg`, which has none. */
function codeOf(error: unknown): string {
  if (error instanceof Error && error.message === "timeout expired") return "CONNECT_TIMEOUT";
  return sqlStateOf(error);
}

/** Returns the first line of an error, with the DETAIL of an invalid argument. */
function firstLine(error: unknown): string {
  const detail = sqlStateOf(error) === "VM001" ? `: ${(error as { detail: string }).detail}` : "";
  return `${messageOf(error)}${detail}`.split("\n", 1).join();
}

/**
 * Returns the message of an error.
 *
 * A host name with several addresses fails with an AggregateError, whose own message is empty.
 */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
