import { inFreshDatabase, prove, seed } from "../prove.js";
import { psqlScript } from "../explore/psql-script.js";
import { type Hunt, hunt } from "./hunt.js";
import { CONTROL, type Mutant, MUTANTS } from "./mutants.js";

/** Hunts side by side. */
const WORKERS = 2;

await prove({
  name: "mutants",
  description: "Gets the rules wrong in many ways, one at a time, and explores until it shows.",
  settings: {
    seed: seed(),
    mutant: { description: "only the nth mutant, with a way to show it", standard: 0 },
  },
  run: async ({ mutant: only, seed: order }) => {
    const begin = performance.now();
    const control = await inFreshDatabase((database) => hunt(database, CONTROL, order));
    if (control.found.failures.length > 0) {
      report(control, true);
      return { figures: "no mutant: the rules as they are break a property", failures: 1 };
    }
    const hunts: Hunt[] = [];
    const queue = MUTANTS.filter((_, i) => only === 0 || i + 1 === only).values();
    const work = async (): Promise<void> => {
      for (const mutant of queue) {
        const result = await inFreshDatabase((database) => hunt(database, mutant, order));
        hunts.push(result);
        report(result, only !== 0);
      }
    };
    await Promise.all(Array.from({ length: WORKERS }, work));
    const missed = hunts.filter(({ found }) => found.failures.length === 0).length;
    const time = Math.round((performance.now() - begin) / 1000);
    return {
      figures: `${hunts.length} mutants, ${hunts.length - missed} caught, ${missed} missed, ${time} s`,
      failures: missed,
    };
  },
});

function report({ mutant, found }: Hunt, withScript: boolean): void {
  const [first] = found.failures;
  const number = numberOf(mutant);
  console.log(
    first === undefined
      ? `  ${number}. ${mutant.name}: MISSED in ${found.states} states`
      : `  ${number}. ${mutant.name}: after ${first.path.length} steps, ${first.property}`,
  );
  if (first !== undefined && withScript) console.log(psqlScript(first.path));
}

function numberOf(mutant: Mutant): number {
  return MUTANTS.indexOf(mutant) + 1;
}
