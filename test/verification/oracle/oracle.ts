import type { TestDatabase } from "../../support/copy.js";
import type { Verdict } from "../prove.js";
import { Census } from "./outcome-coverage.js";
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
  census: Census;
}

/** Plays the same calls in the model and in the database: one after the other, then at once. */
export async function consultOracle(database: TestDatabase, size: Size): Promise<Findings> {
  const start = performance.now();
  const census = new Census();
  const { seed, sequences, rounds } = size;
  const sql = database.connect({ max: 1 });
  const alone = await checkSequences({ sql, census, seed, sequences });
  const atOnce = await checkRounds({ sql, connect: database.connect, census, seed, rounds });
  const found = [...alone.found, ...atOnce.found];
  const figures = [
    `${whole(alone.played)} sequences`,
    `${whole(atOnce.played)} rounds of ${CONNECTIONS} connections`,
    `${atOnce.inMoments} of them with calls in several moments`,
    `${whole(census.calls)} commands`,
    `${whole(census.reached.length)} outcomes and reasons`,
    `${found.length} differences`,
    `${Math.round((performance.now() - start) / 1000)} s`,
  ].join(", ");
  return { found, census, figures, failures: found.length };
}

function whole(n: number): string {
  return n.toLocaleString("en");
}
