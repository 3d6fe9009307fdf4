import {
  ConnectionError,
  DatabaseError,
  DeadlockError,
  type Failure,
  ImmutableColumnError,
  InvalidArgumentError,
  InvalidTransitionError,
  LockTimeoutError,
  OldGenerationError,
  PermissionDeniedError,
  ProtectedRowError,
  QueryCanceledError,
  SerializationError,
  TooManyConnectionsError,
} from "./call-errors.js";
import { connectionLossIn } from "./connection-loss.js";
import { driverErrorIn } from "./prisma-error.js";
import { IncompatibleDatabaseError, VmstateError } from "./vmstate-error.js";

type Make = (failure: Failure) => VmstateError;

const CONNECTION: Make = (failure) => new ConnectionError(failure);
const INVALID_VALUE: Make = (failure) => new InvalidArgumentError(failure);

/** By SQLSTATE, or by the class of it. */
const MAKERS: Record<string, Make> = {
  VM001: (failure) => new InvalidArgumentError({ ...failure, argument: argumentIn(failure.message) }),
  VM101: (failure) => new OldGenerationError(failure),
  VM102: (failure) => new InvalidTransitionError(failure),
  VM103: (failure) => new ImmutableColumnError(failure),
  VM104: (failure) => new ProtectedRowError(failure),
  "40001": (failure) => new SerializationError(failure),
  "40P01": (failure) => new DeadlockError(failure),
  "42501": (failure) => new PermissionDeniedError(failure),
  "42P01": (failure) => notInstalled(failure),
  "3F000": (failure) => notInstalled(failure),
  "53300": (failure) => new TooManyConnectionsError(failure),
  "55P03": (failure) => new LockTimeoutError(failure),
  "57014": (failure) => new QueryCanceledError(failure),
  "57P01": CONNECTION,
  "57P02": CONNECTION,
  "57P03": CONNECTION,
  "57P05": CONNECTION,
  "08": CONNECTION,
  "22": INVALID_VALUE,
};

/** What PostgreSQL says of an error, as every client hands it over. */
interface ServerError extends Error {
  code: string;
  detail?: string | undefined;
  hint?: string | undefined;
}

/**
 * Turns what the caller's client threw into the error that a verb throws.
 *
 * What is neither an answer of PostgreSQL nor a lost connection stays as it is.
 *
 * @param verb the function that was called
 */
export function typedError(verb: string, cause: unknown): unknown {
  if (cause instanceof VmstateError) return cause;
  const loss = connectionLossIn(cause);
  if (loss !== undefined) {
    const { error, code } = loss;
    return new ConnectionError({ verb, message: messageOf(error), sqlState: "08006", code, cause });
  }
  const error = serverErrorIn(cause);
  if (error === undefined) return cause;
  const { message, code: sqlState, detail, hint } = error;
  const make = MAKERS[sqlState] ?? MAKERS[sqlState.slice(0, 2)];
  const failure = { verb, message, sqlState, detail, hint, cause };
  return make?.(failure) ?? new DatabaseError(failure);
}

/** A library on top of a client may wrap its error: the one with an SQLSTATE is then a `cause`. */
function serverErrorIn(error: unknown): ServerError | undefined {
  if (!(error instanceof Error)) return undefined;
  const driverError = driverErrorIn(error);
  if (driverError !== undefined) return serverErrorIn(driverError);
  return isOfServer(error) ? error : serverErrorIn(error.cause);
}

/** Tells an SQLSTATE from a code of Node, which may have five characters as well: EPERM. */
function isOfServer(error: Error): error is ServerError {
  return "code" in error && /^[0-9A-Z]{5}$/.test(String(error.code)) && !("syscall" in error);
}

/** A host name with several addresses fails with an AggregateError, whose own message is empty. */
function messageOf(error: Error): string {
  return error instanceof AggregateError && error.errors[0] instanceof Error
    ? error.errors[0].message
    : error.message;
}

/**
 * Reads the name of the invalid argument, as the caller knows it: `startReason`.
 *
 * The name is in the message, because PostgreSQL has no field for the name of an argument.
 */
function argumentIn(message: string): string | undefined {
  const name = /: invalid argument p_(\w+)$/.exec(message)?.[1];
  if (name === "id") return "instanceId";
  return name?.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function notInstalled({ verb, sqlState, cause }: Failure): IncompatibleDatabaseError {
  const detail = "this database has no vmstate, or an older one";
  const hint = "run `npx vmstate migrate`";
  return new IncompatibleDatabaseError({ reason: "not_installed", detail, hint, verb, sqlState }, cause);
}
