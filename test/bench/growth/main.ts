import { statfsSync } from "node:fs";
import os from "node:os";
import process from "node:process";
import { InvalidArgumentError, Option } from "commander";
import { showProgress } from "../../../src/simulator/progress.js";
import { benchCommand, type Settings, write } from "../command.js";
import { targetsText, serverText } from "../print.js";
import { openServer } from "../server.js";
import { FULL, QUICK, runGrowth } from "./growth.js";
import { count } from "./judge.js";
import { plotsOf } from "./plots.js";
import { growthText } from "./print.js";
import { growthSchema } from "./results.js";

const STANDARD = [10_000, 1_000_000, 10_000_000];
const SMALL = [1_000, 10_000];
/** The VMMs of a project: a population has whole projects. */
const PROJECT = 100;
const MIB = 2 ** 20;
/** The bytes of a VMM with its instance, their indexes, and their share of the WAL while they are loaded. */
const BYTES = 1_500;
/** The share of the memory: by the manual of PostgreSQL, more is unlikely to work better. */
const SHARED_BUFFERS = 0.4;

const command = benchCommand(
  "bench:growth",
  "What verbs and lists cost in small and in large tables.",
).addOption(new Option("--sizes <list>", "VMMs in the table, in hundreds").argParser(sizesOf));
const settings = command.parse().opts<Settings & { sizes?: number[] }>();
const { quick, seed, sizes = quick ? SMALL : STANDARD } = settings;
console.log(`bench:growth ${quick ? "--quick " : ""}--sizes ${sizes.join(",")} --seed ${seed}`);
const url = process.env["DATABASE_URL"];
const total = sizes.reduce((sum, size) => sum + size);
if (!url) requireSpace(total);
const buffers = { shared_buffers: `${Math.floor((SHARED_BUFFERS * os.totalmem()) / MIB)}MB` };
const server = await openServer(url, quick ? {} : buffers);
const progress = showProgress(process.stderr, total);
let loaded = 0;
const onLoaded = (vmms: number): void => {
  loaded += vmms;
  progress.played(loaded);
  if (loaded === total) progress.stop();
};
try {
  const rounds = quick ? QUICK : FULL;
  const growth = growthSchema.parse(await runGrowth(server, { sizes, rounds, quick, seed, onLoaded }));
  console.log(`\n${growthText(growth)}\n\n${serverText(growth.machine)}`);
  for (const { vmms, loadSeconds, mebibytes } of growth.sizes)
    console.log(`${count(vmms)} VMMs: ${count(mebibytes)} MiB, loaded in ${loadSeconds} s`);
  if (growth.targets.length > 0) console.log(`\n${targetsText(growth.targets)}`);
  const dir = await write({ name: "growth.json", json: growth, plots: plotsOf(growth) }, settings);
  console.log(`\nbench:growth: ${growth.calls.length} calls, ${sizes.length} sizes, results in ${dir}`);
} finally {
  progress.stop();
  await server.stop();
}

function sizesOf(text: string): number[] {
  const sizes = text.split(",").map(Number);
  const areFine = sizes.every((size, at) => size > (sizes[at - 1] ?? 0) && size % PROJECT === 0);
  if (areFine && sizes.length > 1) return sizes;
  throw new InvalidArgumentError("They are not at least two whole hundreds, rising.");
}

/** @throws Error when the disk is too small, before anything is loaded */
function requireSpace(vmms: number): void {
  const { bavail, bsize } = statfsSync(os.tmpdir());
  const [needed, free] = [vmms * BYTES, bavail * bsize].map((bytes) => Math.ceil(bytes / MIB)) as [
    number,
    number,
  ];
  if (needed > free)
    throw new Error(`${os.tmpdir()} has ${count(free)} MiB; ${count(needed)} MiB are needed`);
}
