import type { Mutant } from "./mutants.js";

/** What stands in a file of `sql/`, and what a mutant puts there. */
export type Fault = readonly [from: string, to: string];

/** Makes mutants of one file of `sql/`, by their names, which one file below `test/` detects. */
export function detectedBy(test: string, file: string, faults: Readonly<Record<string, Fault>>): Mutant[] {
  return Object.entries(faults).map(([name, [from, to]]) => ({ name, change: { file, from, to }, test }));
}
