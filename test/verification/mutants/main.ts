import { startTestServer } from "../../support/servers.js";
import { prove, seed, type Verdict } from "../prove.js";
import { runControls, detect, type Detection, numberOf, type ProofContext } from "./detect.js";
import { type Mutant, MUTANTS } from "./mutants.js";

/** Mutants that are tried at the same time. */
const WORKERS = 2;

await prove({
  name: "mutants",
  description: "Gets the rules wrong in many ways, one at a time, and explores or tests until it shows.",
  settings: {
    seed: seed(),
    mutant: { description: "only the nth mutant, with a way to show it", defaultValue: 0 },
    from: { description: "only the nth mutant and those after it", defaultValue: 1 },
  },
  run: async ({ mutant: only, from, seed: order }) => {
    const mutants = MUTANTS.filter((_, i) => (only === 0 ? i + 1 >= from : i + 1 === only));
    const server = await startTestServer();
    try {
      return await tryAll(mutants, { seed: order, serverUrl: server.url });
    } finally {
      await server.stop();
    }
  },
});

async function tryAll(mutants: readonly Mutant[], context: ProofContext): Promise<Verdict> {
  const begin = performance.now();
  for (const control of await runControls(mutants, context)) {
    if (control.shownBy === undefined) continue;
    report(control, true);
    return { figures: "no mutant: the rules as they are do not pass", failures: 1 };
  }
  const detections: Detection[] = [];
  const queue = mutants.values();
  const work = async (): Promise<void> => {
    for (const mutant of queue) {
      const detection = await detect(mutant, context);
      detections.push(detection);
      report(detection, mutants.length === 1);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
  const missed = detections.filter(({ shownBy }) => shownBy === undefined).length;
  const time = Math.round((performance.now() - begin) / 1000);
  return {
    figures: `${detections.length} mutants, ${detections.length - missed} caught, ${missed} missed, ${time} s`,
    failures: missed,
  };
}

function report({ mutant, shownBy, tried, script }: Detection, withScript: boolean): void {
  const name = `  ${numberOf(mutant) ?? "-"}. ${mutant.name}`;
  console.log(shownBy === undefined ? `${name}: MISSED in ${tried}` : `${name}: ${shownBy}`);
  if (withScript && script !== undefined) console.log(script);
}
