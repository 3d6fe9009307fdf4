import type { Call } from "../calls.js";
import { REPORTED_AHEAD_FROM, REPORTED_FROM } from "../comparable.js";
import type { World } from "../model/world.js";
import type { Names } from "../names.js";
import type { Tokens } from "../tokens.js";

/** What a draw depends on. */
export interface At {
  world: World;
  names: Names;
  tokens: Tokens;
  /** Made so far. */
  calls: readonly Call[];
  /** The instance that all is about now, if it is only one. */
  focus: number | null;
}

/** Drawn before the calls, made of what is there when it is its turn: so it stays near the mark, and shrinks. */
export type Generated<T> = (at: At) => T;

/** Other than any time before, and sometimes ahead of the database's clock. */
export function nextTime({ calls }: At): string {
  const from = calls.length % 4 === 3 ? REPORTED_AHEAD_FROM : REPORTED_FROM;
  return new Date(from + calls.length * 1000).toISOString();
}
