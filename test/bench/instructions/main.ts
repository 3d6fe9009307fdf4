import { type Command, Option } from "commander";
import { wholeNumber } from "../../verification/prove.js";
import { benchCommand, type Settings, write } from "../command.js";
import { LIFE_CASES } from "./life-cases.js";
import type { Case } from "./case.js";
import { startCountedServer } from "./counted-server.js";
import { countInstructions, type Scale } from "./instructions.js";
import { caseLine, casesText } from "./print.js";
import { REPORT_CASES } from "./report-cases.js";
import { instructionsSchema } from "./results.js";
import { findValgrind, NO_VALGRIND } from "./valgrind.js";

const FULL: Scale = { rows: 5_000, warmUp: 20, calls: 200 };
const QUICK: Scale = { rows: 200, warmUp: 12, calls: 10 };
const ALL = [...REPORT_CASES, ...LIFE_CASES];

const command: Command = benchCommand(
  "bench:instructions",
  "How many instructions a backend runs in user space, next to bare statements; valgrind counts them.",
  "its own, the operating system's if TEST_DB is system",
)
  .addOption(new Option("--only <text>", "the cases with this text in their names, and their bases"))
  .addOption(new Option("--profiles <dir>", "where to keep a profile of each case, for callgrind_annotate"))
  .addOption(new Option("--calls <n>", "calls of each case that are counted").argParser(wholeNumber));
const settings = command.parse().opts<Settings & { only?: string; calls?: number; profiles?: string }>();
const { quick, seed, only, profiles } = settings;
const standard = quick ? QUICK : FULL;
const scale = { ...standard, calls: settings.calls ?? standard.calls };
const valgrind = findValgrind();
if (valgrind === undefined) command.error(`bench:instructions ${NO_VALGRIND}`);
console.log(`bench:instructions ${quick ? "--quick " : ""}--seed ${seed}`);
await using server = await startCountedServer(valgrind);
const cases = await countInstructions(server, {
  ...scale,
  seed,
  cases: chosen(ALL),
  ...(profiles !== undefined && { profiles }),
  onCase: (result) => console.log(caseLine(result)),
});
console.log(`\n${server.label}, ${scale.rows} VMMs\n\n${casesText(cases)}`);
const json = instructionsSchema.parse({
  ...{ takenAt: new Date().toISOString(), quick, seed, ...scale },
  ...{ server: server.label, cases },
});
if (only === undefined) {
  const dir = await write({ name: "instructions.json", json, plots: new Map() }, settings);
  console.log(`\nbench:instructions: ${cases.length} cases, results in ${dir}`);
}

function chosen(all: readonly Case[]): Case[] {
  const named = all.filter(({ id }) => id.includes(only ?? ""));
  return all.filter((each) => named.includes(each) || named.some(({ base }) => base === each.id));
}
