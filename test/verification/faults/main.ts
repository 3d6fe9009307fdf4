import { prove, seed } from "../prove.js";
import { testFaults } from "./faults.js";
import { everyInjection } from "./fault-injection.js";

await prove({
  name: "faults",
  description: "What was acknowledged is there, whatever happens to the server and to its clients.",
  settings: {
    seed: seed(),
    workers: { description: "clients of each kind under load", defaultValue: 4 },
    crashes: { description: "how often the server is killed under load", defaultValue: 10 },
    exhaustions: { description: "how often all its connections are taken", defaultValue: 3 },
    injections: {
      description: `how many clients die, or are interrupted, at a certain point of a verb; there are ${everyInjection.length} ways`,
      defaultValue: everyInjection.length,
    },
    terminations: { description: "how many sessions and statements are ended under load", defaultValue: 200 },
    writes: { description: "how many writes under mixed isolation levels", defaultValue: 6000 },
    dumps: { description: "how many dumps are taken under load and restored", defaultValue: 1 },
  },
  run: testFaults,
});
