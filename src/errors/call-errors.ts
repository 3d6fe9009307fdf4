import { VmstateError } from "./vmstate-error.js";

/** What is known of a call that failed. */
export interface Failure {
  verb: string;
  message: string;
  sqlState: string;
  code?: string | undefined;
  detail?: string | undefined;
  hint?: string | undefined;
  cause?: unknown;
}

/**
 * Says that the database refused a call of this package, or could not be reached.
 *
 * The subclasses name what happened; errors of any other SQLSTATE are of this class itself. `cause` is what the client
 * of the caller threw.
 */
export class DatabaseError extends VmstateError {
  override readonly name: string = "DatabaseError";
  /** The function of this package that was called, for example `beginStart`. */
  readonly verb: string;
  /** The five characters by which PostgreSQL classes errors. */
  readonly sqlState: string;
  /** The code of the client's own error: the SQLSTATE, or for a lost connection a code of the client or of Node. */
  readonly code: string;
  /** What PostgreSQL found. */
  readonly detail: string | undefined;
  /** What to do. */
  readonly hint: string | undefined;

  constructor({ verb, message, sqlState, code = sqlState, detail, hint, cause }: Failure) {
    super(message, { cause });
    this.verb = verb;
    this.sqlState = sqlState;
    this.code = code;
    this.detail = detail;
    this.hint = hint;
  }
}

/**
 * VM001: a verb does not take an argument. Class 22: a value does not fit its type.
 *
 * Without a `cause`, the function refused the argument before it sent anything; a transaction goes on then.
 */
export class InvalidArgumentError extends DatabaseError {
  override readonly name: string = "InvalidArgumentError";
  /** The argument, as the function calls it; undefined of class 22, where PostgreSQL names none. */
  readonly argument: string | undefined;

  constructor(failure: Failure & { argument?: string | undefined }) {
    super(failure);
    this.argument = failure.argument;
  }
}

/** VM101: a write has no newer generation. Only a write that bypasses the verbs raises it, as in a trigger of yours. */
export class OldGenerationError extends DatabaseError {
  override readonly name: string = "OldGenerationError";
}

/** VM102: there is no such transition. Only a write that bypasses the verbs raises it. */
export class InvalidTransitionError extends DatabaseError {
  override readonly name: string = "InvalidTransitionError";
}

/** VM103: a column that identifies a row is immutable. Only a write that bypasses the verbs raises it. */
export class ImmutableColumnError extends DatabaseError {
  override readonly name: string = "ImmutableColumnError";
}

/** VM104: a link, a row or a lock is still needed. Only a write that bypasses the verbs raises it. */
export class ProtectedRowError extends DatabaseError {
  override readonly name: string = "ProtectedRowError";
}

/** 42501: the role may not do this. Of a report: the VMM is on another sled than the role is bound to. */
export class PermissionDeniedError extends DatabaseError {
  override readonly name: string = "PermissionDeniedError";
}

/** 40001: a transaction that is not READ COMMITTED read what another one changed. Run the transaction again. */
export class SerializationError extends DatabaseError {
  override readonly name: string = "SerializationError";
}

/** 40P01: two transactions waited for each other. Run the transaction again. */
export class DeadlockError extends DatabaseError {
  override readonly name: string = "DeadlockError";
}

/** 55P03: another session held a lock for longer than `lock_timeout`. */
export class LockTimeoutError extends DatabaseError {
  override readonly name: string = "LockTimeoutError";
}

/** 57014: `statement_timeout`, an operator or the caller's own code cancelled the call. */
export class QueryCanceledError extends DatabaseError {
  override readonly name: string = "QueryCanceledError";
}

/** 53300: the server has no connection left for this role. */
export class TooManyConnectionsError extends DatabaseError {
  override readonly name: string = "TooManyConnectionsError";
}

/**
 * Class 08 and 57P01 to 57P05: there is no connection, or it was lost before the answer came.
 *
 * The call may have been committed all the same. `sqlState` is 08006 where the error comes from the client and not from the server.
 */
export class ConnectionError extends DatabaseError {
  override readonly name: string = "ConnectionError";
}
