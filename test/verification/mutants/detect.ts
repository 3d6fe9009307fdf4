import { psqlScript } from "../explore/psql-script.js";
import { inFreshDatabase } from "../prove.js";
import { exploreMutant } from "./explore-mutant.js";
import { CONTROL, type Mutant, MUTANTS } from "./mutants.js";
import { runTest } from "./run-test.js";

/** What the proof of a mutant says. */
export interface Detection {
  mutant: Mutant;
  /** What shows the fault; undefined: nothing does. */
  shownBy?: string;
  /** How much was tried. */
  tried: string;
  /** The way to the broken property, for psql. */
  script?: string;
}

/** What the proofs of mutants run with. */
export interface ProofContext {
  /** The seed of an exploration. */
  seed: number;
  /** A server on which tests may make databases, with the rights of a superuser. */
  serverUrl: string;
}

/** Tries a mutant by the test that is to detect it, or else by the exploration. */
export async function detect(mutant: Mutant, context: ProofContext): Promise<Detection> {
  return mutant.test === undefined
    ? await detectByExploration(mutant, context)
    : await detectByTest(mutant, mutant.test, context);
}

/** Runs the proofs of these mutants on the rules as they are: a proof that shows a fault there proves nothing of a mutant. */
export async function runControls(mutants: readonly Mutant[], context: ProofContext): Promise<Detection[]> {
  const tests = new Set(mutants.map(({ test }) => test));
  const detections: Detection[] = [];
  for (const test of tests)
    detections.push(await detect(test === undefined ? CONTROL : { ...CONTROL, test }, context));
  return detections;
}

/** The place of a mutant in the list, from 1; undefined for the rules as they are. */
export function numberOf(mutant: Mutant): number | undefined {
  const at = MUTANTS.indexOf(mutant);
  return at === -1 ? undefined : at + 1;
}

async function detectByExploration(mutant: Mutant, { seed }: ProofContext): Promise<Detection> {
  const { found } = await inFreshDatabase((database) => exploreMutant(database, mutant, seed));
  const [first] = found.failures;
  const tried = `${found.states} states`;
  if (first === undefined) return { mutant, tried };
  const shownBy = `after ${first.path.length} steps, ${first.property}`;
  return { mutant, tried, shownBy, script: psqlScript(first.path) };
}

async function detectByTest(mutant: Mutant, test: string, { serverUrl }: ProofContext): Promise<Detection> {
  const { passed, failed } = await runTest(test, serverUrl, numberOf(mutant));
  const [first] = failed;
  const tried = `${passed + failed.length} tests of test/${test}`;
  return first === undefined ? { mutant, tried } : { mutant, tried, shownBy: `test/${test}, ${first}` };
}
