import type { CatalogObject } from "./read.js";

/** The options that `sql/` sets: changing or resetting one of them undoes what this package decided. */
export const SET_BY_PACKAGE: readonly string[] = ["fillfactor"];

/** Options that decide which rows a view shows or takes, and with whose rights. */
const OF_BEHAVIOR = ["check_option", "security_barrier", "security_invoker"];

/** How a changed option counts: `nothing` where the server keeps the option for itself. */
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

/** Tells whether an added object is the user's business: a warning, not a difference. */
export type MayBeAdded = (object: Pick<CatalogObject, "kind" | "properties">) => boolean;

/** Allows what only the planner reads. */
export const forPlanner: MayBeAdded = ({ kind }) => kind === "statistics";

const KINDS_OF_USERS = [
  ...["statistics", "index", "trigger", "constraint"],
  ...["table", "column", "view", "materialized view"],
];

/**
 * Allows what users may add to the schema.
 *
 * Not so a column that the verbs would have to fill, or a function, rule or policy, which may change what they do.
 */
export const byUsers: MayBeAdded = ({ kind, properties }) =>
  KINDS_OF_USERS.includes(kind) && !(kind === "column" && mustBeFilled(properties));

function mustBeFilled({ default: value, identity, "not null": isNotNull }: Record<string, string>): boolean {
  return isNotNull !== undefined && value === undefined && identity === undefined;
}
