import { prove, seed } from "../prove.js";
import { chaos } from "./faults.js";
import { everyStrike } from "./fault-injection.js";

await prove({
  name: "chaos",
  description: "What was acknowledged is there, whatever happens to the server and to its clients.",
  settings: {
    seed: seed(),
    workers: { description: "clients of each kind under load", standard: 4 },
    crashes: { description: "how often the server is killed under load", standard: 10 },
    storms: { description: "how often all its connections are taken", standard: 3 },
    strikes: {
      description: `how many clients die, or are interrupted, at a certain point of a verb; there are ${everyStrike.length} ways`,
      standard: everyStrike.length,
    },
    terminations: { description: "how many sessions and statements are ended under load", standard: 200 },
    writes: { description: "how many writes under mixed isolation levels", standard: 6000 },
    dumps: { description: "how many dumps are taken under load and restored", standard: 1 },
  },
  run: chaos,
});
