import { table } from "../../../src/terminal/table.js";
import type { CaseResult } from "./results.js";

/** Writes a case as one line: thousands of instructions of a unit, and how many times its base that is. */
export function caseLine(result: CaseResult): string {
  return casesText([result], false);
}

/** Writes the table of all cases. */
export function casesText(cases: readonly CaseResult[], withHead = true): string {
  const rows = cases.map(({ id, instructions, ratio, most, reached }) => [
    id,
    (instructions / 1_000).toFixed(1),
    ratio === null ? "" : digits(ratio),
    most === null ? "" : `${digits(most)} ${reached === true ? "reached" : "missed"}`,
  ]);
  return table(rows, {
    ...(withHead && { head: ["", "k instructions", "ratio", "at most"] }),
    right: [1, 2],
  });
}

/** Writes a ratio with two places, a small one with three. */
function digits(ratio: number): string {
  return ratio.toFixed(ratio < 0.1 ? 3 : 2);
}
