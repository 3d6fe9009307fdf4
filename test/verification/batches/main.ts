import { inFreshDatabase, prove, seed } from "../prove.js";
import { mixBatches, verdictOf } from "./batches.js";

await prove({
  name: "batches",
  description: "Sends overlapping batches of reports among calls of every other verb: none deadlocks.",
  settings: {
    seed: seed(),
    reports: { description: "how many reports are sent at least", defaultValue: 100_000 },
    workers: {
      description: "connections that send batches, and as many that call the other verbs",
      defaultValue: 4,
    },
  },
  run: async (settings) => {
    const begin = performance.now();
    const mixed = await inFreshDatabase((database) => mixBatches(database, settings));
    for (const line of mixed.errors) console.log(line);
    return verdictOf(mixed, Math.round((performance.now() - begin) / 1000));
  },
});
