import process from "node:process";
import { Option } from "commander";
import { wholeNumber } from "../../verification/prove.js";
import { benchCommand, type Settings, write } from "../command.js";
import { targetsText, serverText } from "../print.js";
import { openServer } from "../server.js";
import { runBloat } from "./bloat.js";
import { plotsOf } from "./plots.js";
import { bloatText } from "./print.js";
import { bloatSchema } from "./results.js";

/** Of 12,500 VMMs 10,000 run and report. */
const FULL = { vmms: 12_500, minutes: 60, speedup: 12 };
const QUICK = { vmms: 500, minutes: 2, speedup: 60 };
/** The defaults of PostgreSQL for autovacuum, which are divided and multiplied by the speed of the played hour. */
const NAPTIME_S = 60;
const COST_LIMIT = 200;
const MOST_COST = 10_000;

const command = benchCommand(
  "bench:bloat",
  "Whether tables and indexes stay as large as they are.",
).addOption(new Option("--speedup <n>", "how many times as fast as life").argParser(wholeNumber));
const settings = command.parse().opts<Settings & { speedup?: number }>();
const { quick, seed } = settings;
const scale = quick ? QUICK : FULL;
const speedup = settings.speedup ?? scale.speedup;
console.log(`bench:bloat ${quick ? "--quick " : ""}--speedup ${speedup} --seed ${seed}`);
const server = await openServer(process.env["DATABASE_URL"], {
  autovacuum_naptime: `${Math.max(1, Math.round(NAPTIME_S / speedup))}s`,
  autovacuum_vacuum_cost_limit: String(Math.min(MOST_COST, COST_LIMIT * speedup)),
});
try {
  const onMinute = (minute: number): void => {
    if (minute % 10 === 0) console.log(`minute ${minute}`);
  };
  const bloat = bloatSchema.parse(await runBloat(server, { ...scale, speedup, quick, seed, onMinute }));
  console.log(`\n${bloatText(bloat)}\n\n${serverText(bloat.machine)}`);
  if (bloat.targets.length > 0) console.log(`\n${targetsText(bloat.targets)}`);
  const dir = await write({ name: "bloat.json", json: bloat, plots: plotsOf(bloat) }, settings);
  const { reports, lives, minutes, measuredSpeedup } = bloat;
  console.log(
    `\nbench:bloat: ${reports} reports, ${lives} lives, ${minutes} minutes ${measuredSpeedup} times as fast, ` +
      `results in ${dir}`,
  );
} finally {
  await server.stop();
}
