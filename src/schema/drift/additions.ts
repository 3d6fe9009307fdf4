/** The options that `sql/` sets: changing or resetting one of them undoes what this package decided. */
export const SET_BY_PACKAGE: readonly string[] = ["fillfactor"];

/** Options that decide which rows a view shows or takes, and with whose rights. */
const OF_BEHAVIOR = ["check_option", "security_barrier", "security_invoker"];

/** Objects that only the planner reads. */
const KINDS_TO_ADD = ["statistics"];

/** How an option that differs counts; nothing when the server keeps the option for itself. */
export type OptionVerdict = "difference" | "warning" | "nothing";

/**
 * Judges an option that differs between expected and live schema; null is none.
 *
 * Only options that this package sets, or that change behavior, are compared. PostgreSQL 15.20 and the other minor
 * releases of November 2026 write a `pg_attver` with a value of its own into `pg_attribute.attoptions`, so an unknown
 * option in both schemas says nothing, whatever its values.
 */
export function judgeOption({ property, expected }: OptionValues): OptionVerdict {
  if (OF_BEHAVIOR.includes(property)) return "difference";
  if (expected === null) return isKeptByServer(property) ? "nothing" : "warning";
  return SET_BY_PACKAGE.includes(property) ? "difference" : "nothing";
}

interface OptionValues {
  property: string;
  expected: string | null;
}

/** Tells whether PostgreSQL reserves the name for itself, by the prefix `pg_`. */
function isKeptByServer(name: string): boolean {
  return /^(toast\.)?pg_/.test(name);
}

/** Tells whether an added object of this kind leaves the schema's behavior alone. */
export function mayBeAdded(kind: string): boolean {
  return KINDS_TO_ADD.includes(kind);
}
