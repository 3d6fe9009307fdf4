import type fc from "fast-check";
import type postgres from "postgres";
import type { OutcomeCoverage } from "./outcome-coverage.js";

/** What one part of the oracle is given. */
export interface Setting {
  sql: postgres.Sql;
  coverage: OutcomeCoverage;
  seed: number;
}

export interface Checked {
  /** What differs, readable; empty if nothing does. */
  found: string[];
  /** How many sequences, or rounds; on a failure, all that were tried to make it shorter too. */
  played: number;
}

/** What a check found, readable and repeatable; empty if it holds. */
export function failures<T>(result: fc.RunDetails<T>): string[] {
  if (!result.failed) return [];
  const { seed, counterexamplePath, numShrinks, errorInstance } = result;
  const error = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  return [`${error}\n(seed ${seed}, path ${counterexamplePath ?? "none"}, made shorter ${numShrinks} times)`];
}
