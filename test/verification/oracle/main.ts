import { table } from "../../../src/terminal/table.js";
import { inFreshDatabase, prove, seed } from "../prove.js";
import { runOracle } from "./oracle.js";

const DEFAULTS = { sequences: 1500, rounds: 1000 };

await prove({
  name: "oracle",
  description:
    "Plays random calls in the database and in an independent model of the design, which must stay alike.",
  settings: {
    seed: seed(),
    sequences: { description: "sequences of calls, one after the other", defaultValue: DEFAULTS.sequences },
    rounds: { description: "rounds of calls sent at once", defaultValue: DEFAULTS.rounds },
  },
  run: async (size) => {
    const { found, coverage, figures, failures } = await inFreshDatabase((database) =>
      runOracle(database, size),
    );
    console.log(table([...coverage.counts], { head: ["answer", "times"], right: [1] }));
    for (const each of found) console.log(`\n${each}`);
    const isFull = size.sequences >= DEFAULTS.sequences;
    const unreached = isFull ? coverage.missing : [];
    if (unreached.length > 0) console.log(`\nno call was answered: ${unreached.join(", ")}`);
    return { figures, failures: failures + unreached.length };
  },
});
