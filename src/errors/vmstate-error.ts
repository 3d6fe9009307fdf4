/** An error whose one-line message is meant for the person who runs the program; details are in `cause`. */
export class VmstateError extends Error {
  override readonly name: string = "VmstateError";
}

/**
 * Why this package cannot work with a database. `no_access`: the role may not read the version of the schema. `pooler`: the client prepares
 * statements, and a pooler runs its transactions in sessions that do not have them.
 */
export type IncompatibleReason = "not_installed" | "no_access" | "older" | "newer" | "pooler";

/** Why a database is incompatible, and what was called. */
export interface Incompatibility {
  reason: IncompatibleReason;
  detail: string;
  hint: string;
  verb?: string | undefined;
  sqlState?: string | undefined;
}

/** Says that this package cannot work with the database; nothing was changed. */
export class IncompatibleDatabaseError extends VmstateError {
  override readonly name = "IncompatibleDatabaseError";
  readonly reason: IncompatibleReason;
  /** What was found. */
  readonly detail: string;
  /** What to do: a command to run. */
  readonly hint: string;
  /** The function of this package that was called. */
  readonly verb: string;
  /** What PostgreSQL answered: 3F000, 42P01 or 42501; undefined when the database is older or newer. */
  readonly sqlState: string | undefined;
  /** The same as `sqlState`. */
  readonly code: string | undefined;

  constructor(
    { reason, detail, hint, verb = "assertCompatible", sqlState }: Incompatibility,
    cause?: unknown,
  ) {
    super(`${detail}: ${hint}`, { cause });
    this.reason = reason;
    this.detail = detail;
    this.hint = hint;
    this.verb = verb;
    this.sqlState = sqlState;
    this.code = sqlState;
  }
}
