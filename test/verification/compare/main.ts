import { inFreshDatabase, prove, seed } from "../prove.js";
import { compareSchemas } from "./compare.js";
import { migrateUntil } from "./migrate-until.js";

await prove({
  name: "compare",
  description: "Plays the same calls on the newest schema and on an earlier one, which must answer alike.",
  settings: {
    seed: seed(),
    sequences: { description: "sequences of calls", defaultValue: 2000 },
    schema: { description: "number of the schema migration that made the earlier schema", defaultValue: 16 },
  },
  run: async ({ seed, sequences, schema }) => {
    const begin = performance.now();
    const { found, ...counts } = await inFreshDatabase((newest) =>
      inFreshDatabase(
        (earlier) => compareSchemas({ newest: newest.sql, earlier: earlier.sql }, { seed, sequences }),
        ({ sql }) => migrateUntil(sql, schema),
      ),
    );
    for (const each of found) console.log(each);
    const figures = [
      `${counts.calls.toLocaleString("en")} calls in ${counts.sequences.toLocaleString("en")} sequences`,
      `${counts.answers} outcomes and reasons`,
      `${found.length} differences from schema ${schema}`,
      `${Math.round((performance.now() - begin) / 1000)} s`,
    ].join(", ");
    return { figures, failures: found.length };
  },
});
