import { inFreshDatabase, prove, seed } from "../prove.js";
import { fuzzBatches } from "./batches.js";
import { describeCounts, figuresOf } from "./figures.js";
import { described } from "./finding.js";
import { fuzz } from "./fuzz.js";

await prove({
  name: "fuzz",
  description:
    "Calls every function, view and wrapper with what suits and what does not: each answers or fails properly, and what is refused changes nothing.",
  settings: {
    seed: seed(),
    calls: { description: "calls for each argument of each function, and for each column", defaultValue: 50 },
    batch: { description: "reports in a large batch", defaultValue: 100_000 },
  },
  run: async ({ batch, ...settings }) => {
    const started = performance.now();
    const { totals, findings } = await inFreshDatabase((database) => fuzz(database, settings));
    const batches = await inFreshDatabase((database) => fuzzBatches(database, batch));
    const all = [...findings, ...batches.findings];
    console.log(describeCounts(totals));
    for (const finding of all) console.log(described(finding));
    return figuresOf(totals, all, batches.figures, performance.now() - started);
  },
});
