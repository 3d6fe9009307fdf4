import type { Call } from "../calls.js";
import { REPORTED_AHEAD_FROM, REPORTED_FROM } from "../comparable.js";
import type { World } from "../model/world.js";
import type { Names } from "../names.js";
import type { Tokens } from "../tokens.js";

/** What a generated call depends on. */
export interface CallContext {
  world: World;
  names: Names;
  tokens: Tokens;
  /** The calls made so far. */
  calls: readonly Call[];
  /** The number of the one instance that all calls are about, or null. */
  focus: number | null;
}

/**
 * A choice that fast-check makes before the calls, applied to the rows that exist when its turn comes.
 *
 * So a call mostly names existing rows, and still does when fast-check has made the sequence shorter.
 */
export type Generated<T> = (at: CallContext) => T;

/** Returns a time that no earlier call has, sometimes ahead of the clock of the database. */
export function nextTime({ calls }: CallContext): string {
  const from = calls.length % 4 === 3 ? REPORTED_AHEAD_FROM : REPORTED_FROM;
  return new Date(from + calls.length * 1000).toISOString();
}
