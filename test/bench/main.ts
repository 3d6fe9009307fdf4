import process from "node:process";
import { FULL, QUICK, runBench } from "./bench.js";
import { capacityText } from "./capacity.js";
import { benchCommand, type Settings, write } from "./command.js";
import { plotsOf } from "./plots/plots.js";
import { caseText, machineText, targetsText } from "./print.js";
import { resultsSchema } from "./results.js";
import { openServer } from "./server.js";

const command = benchCommand("bench", "How fast vmstate is, next to what people would use instead.");
const settings = command.parse().opts<Settings>();
const { quick, seed } = settings;
console.log(`bench ${quick ? "--quick " : ""}--seed ${seed}`);
const server = await openServer(process.env["DATABASE_URL"]);
try {
  const onCase = (result: Parameters<typeof caseText>[0]): void => console.log(`\n${caseText(result)}`);
  const results = await runBench(server, { scale: quick ? QUICK : FULL, quick, seed, onCase });
  console.log(`\n${machineText(results.machine, results)}`);
  for (const { name, why } of results.absent) console.log(`without ${name}: ${why}`);
  if (results.targets.length > 0) console.log(`\n${targetsText(results.targets)}`);
  if (!quick) console.log(`\n${capacityText(results)}`);
  const json = resultsSchema.parse(results);
  const dir = await write({ name: "bench.json", json, plots: plotsOf(results) }, settings);
  console.log(`\nbench: ${results.cases.length} cases, results in ${dir}`);
} finally {
  await server.stop();
}
