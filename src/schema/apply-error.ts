import { databaseError } from "../errors/database-error.js";
import { sqlStateOf } from "../errors/sql-state.js";
import { VmstateError } from "../errors/vmstate-error.js";
import { LOCK_NOT_AVAILABLE } from "./lock-wait.js";

const DEPENDENT_OBJECTS = "2BP01";
/** SQLSTATEs for a name that exists already: of a column, constraint or trigger, function, schema, table or index. */
const DUPLICATES = ["42701", "42710", "42723", "42P06", "42P07"];

/** Makes the error for a migration that was rolled back, with what to do where the cause says so. */
export function applyError(name: string, cause: unknown, databaseUrl: string): VmstateError {
  const { message } = databaseError(cause, databaseUrl);
  return new VmstateError(
    `schema migration ${name} failed and was rolled back: ${message}${adviceOn(cause)}`,
    {
      cause,
    },
  );
}

function adviceOn(cause: unknown): string {
  const code = sqlStateOf(cause);
  if (code === LOCK_NOT_AVAILABLE) return "; try again, or with a longer --lock-timeout";
  if (code === DEPENDENT_OBJECTS) return dependentsOf(cause);
  return DUPLICATES.includes(code)
    ? "; a part of it may have been applied by hand: see `vmstate doctor`"
    : "";
}

/** Names the user's objects that stand in the way: the server lists them in the DETAIL, a line each. */
function dependentsOf(cause: unknown): string {
  const detail = (cause as { detail?: string }).detail ?? "";
  const lines = detail.split("\n").filter((line) => line !== "");
  return `; ${[...lines, "drop what is yours, migrate, and create it again"].join("; ")}`;
}
