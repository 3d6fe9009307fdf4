import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError, Option } from "commander";
import { seed as anySeed } from "../proof/prove.js";
import { FULL, openServer, QUICK, runBench } from "./bench.js";
import { plotsOf } from "./plots/plots.js";
import { caseText, machineText, marksText } from "./print.js";
import { type Results, resultsSchema } from "./results.js";

const RESULTS = fileURLToPath(new URL("results", import.meta.url));

interface Settings {
  quick: boolean;
  seed: number;
  out?: string;
}

const { description, standard } = anySeed();

const command = new Command("bench")
  .description(
    "How fast vmstate is, next to what people would use instead. Server: DATABASE_URL, else its own.",
  )
  .addOption(new Option("--quick", "whether it runs at all: few rounds, no marks").default(false))
  .addOption(new Option("--seed <n>", description).argParser(wholeNumber).default(standard))
  .addOption(
    new Option("--out <dir>", "where the JSON and the plots go; --quick: else a temporary directory"),
  )
  .showHelpAfterError();

const { quick, seed, out } = command.parse().opts<Settings>();
console.log(`bench ${quick ? "--quick " : ""}--seed ${seed}`);
const server = await openServer(process.env["DATABASE_URL"]);
try {
  const onCase = (result: Parameters<typeof caseText>[0]): void => console.log(`\n${caseText(result)}`);
  const results = await runBench(server, { scale: quick ? QUICK : FULL, quick, seed, onCase });
  console.log(`\n${machineText(results.machine, results)}`);
  for (const { name, why } of results.absent) console.log(`without ${name}: ${why}`);
  if (results.marks.length > 0) console.log(`\n${marksText(results.marks)}`);
  const dir = out ?? (quick ? mkdtempSync(join(tmpdir(), "vmstate-bench-")) : RESULTS);
  write(results, dir);
  console.log(`\nbench: ${results.cases.length} cases, results in ${dir}`);
} finally {
  await server.stop();
}

function write(results: Results, dir: string): void {
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, "bench.json"), `${JSON.stringify(resultsSchema.parse(results), null, 2)}\n`);
  for (const [name, svg] of plotsOf(results)) writeFileSync(join(dir, name), svg);
}

function wholeNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It is not a whole number.");
}
