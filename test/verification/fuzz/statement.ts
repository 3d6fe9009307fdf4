import type postgres from "postgres";
import type { Slot } from "./catalog.js";
import type { Choice } from "./choice.js";
import { shortened } from "./literals.js";

type Fragment = postgres.PendingQuery<postgres.Row[]>;

/** A value that travels as text, and that the server reads as the slot's type. */
export function cast(sql: postgres.ISql, [{ type }, text]: readonly [Slot, string | null]): Fragment {
  return sql`${text}::text::${sql(type)}`;
}

export function list(sql: postgres.ISql, fragments: readonly Fragment[]): Fragment {
  const [first = sql``, ...rest] = fragments;
  return rest.reduce((all, one) => sql`${all}, ${one}`, first);
}

/** As a person would write it. */
export function written({ name, type }: Slot, text: string | null): string {
  return `${name} => ${text === null ? "null" : `'${shortened(text).replaceAll("'", "''")}'`}::${type}`;
}

export function writtenAll(given: Choice<string | null>): string {
  return [...given].map(([slot, text]) => written(slot, text)).join(", ");
}
