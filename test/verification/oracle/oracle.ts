import type { TestDatabase } from "../../support/copy.js";
import type { Verdict } from "../prove.js";
import { OutcomeCoverage } from "./outcome-coverage.js";
import { checkRounds, CONNECTIONS } from "./concurrent-rounds.js";
import { checkSequences } from "./sequences.js";

export interface Size {
  seed: number;
  sequences: number;
  rounds: number;
}

export interface Findings extends Verdict {
  /** What differs, readable. */
  found: string[];
  coverage: OutcomeCoverage;
}

/** Plays the same calls in the model and in the database: one after the other, then at once. */
export async function runOracle(database: TestDatabase, size: Size): Promise<Findings> {
  const start = performance.now();
  const coverage = new OutcomeCoverage();
  const { seed, sequences, rounds } = size;
  const sql = database.connect({ max: 1 });
  const alone = await checkSequences({ sql, coverage, seed, sequences });
  const atOnce = await checkRounds({ sql, connect: database.connect, coverage, seed, rounds });
  const found = [...alone.found, ...atOnce.found];
  const figures = [
    `${whole(alone.played)} sequences`,
    `${whole(atOnce.played)} rounds of ${CONNECTIONS} connections`,
    `${atOnce.atDecisionPoints} of them with calls in several moments`,
    `${whole(coverage.calls)} commands`,
    `${whole(coverage.reached.length)} outcomes and reasons`,
    `${found.length} differences`,
    `${Math.round((performance.now() - start) / 1000)} s`,
  ].join(", ");
  return { found, coverage, figures, failures: found.length };
}

function whole(n: number): string {
  return n.toLocaleString("en");
}
