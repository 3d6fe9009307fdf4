/** An error whose one-line message is meant for the person who runs the program; details are in `cause`. */
export class VmstateError extends Error {
  override readonly name: string = "VmstateError";
}

/** Why a database does not go with this package. `no_access`: the role may not even ask. */
export type IncompatibleReason = "not_installed" | "no_access" | "older" | "newer";

/** The database and this package do not go together; nothing was changed. */
export class IncompatibleDatabaseError extends VmstateError {
  override readonly name = "IncompatibleDatabaseError";
  readonly reason: IncompatibleReason;
  /** What is the case. */
  readonly detail: string;
  /** What to do: a command to run. */
  readonly hint: string;

  constructor(
    { reason, detail, hint }: { reason: IncompatibleReason; detail: string; hint: string },
    cause?: unknown,
  ) {
    super(`${detail}: ${hint}`, { cause });
    this.reason = reason;
    this.detail = detail;
    this.hint = hint;
  }
}
