import type { TestDatabase } from "../../support/copy.js";
import { explore, type Exploration } from "../explore/explore.js";
import type { Mutant } from "./mutants.js";
import { mutate } from "./mutate.js";

export interface MutantResult {
  mutant: Mutant;
  /** What the exploration of the mutant found, if it found anything. */
  found: Exploration;
}

/** The default actors of an exploration: two start sagas, one migrate saga and an owner in psql. */
const SCOPE = {
  starts: 2,
  migrations: 1,
  reports: ["running", "failed", "destroyed"],
  psql: true,
  ages: false,
} as const;

/** Changes the rules of the database as the mutant says, and explores so many states, or until something is broken. */
export async function exploreMutant(
  { connect }: TestDatabase,
  mutant: Mutant,
  seed: number,
  states = 5_000,
): Promise<MutantResult> {
  const sql = connect({ max: 1 });
  if (mutant.change !== undefined) await mutate(sql, mutant.change);
  return {
    mutant,
    found: await explore([sql], { ...SCOPE, ...mutant.scope, depth: 9, states, seed }),
  };
}
