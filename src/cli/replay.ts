import { randomInt } from "node:crypto";
import { Command, InvalidArgumentError } from "commander";
import { databaseError } from "../errors/database-error.js";
import { newRun } from "../simulator/ids.js";
import { showProgress } from "../simulator/progress.js";
import { replay, type ReplayResult } from "../simulator/replay.js";
import { problemsOf, jsonOf, requireClean, type Setting, summaryOf } from "../simulator/summary.js";
import { countVms, readTrace } from "../simulator/trace.js";
import { type Database, openDatabase } from "./database.js";
import { type Io, ioOf, say } from "../terminal/io.js";
import { type DatabaseUrlOption, type JsonOption, namedDatabaseOption } from "./options.js";
import { requireConsent } from "./replay-database.js";
import { replayRemoveCommand } from "./replay-remove.js";

interface Options extends DatabaseUrlOption, JsonOption, Setting {
  limit?: number;
  yes?: true;
}

/** How many seeds there are: the generator of random numbers has a state of 32 bits. */
const SEEDS = 2 ** 32;
/** How long the calls under way may take to end when the replay is interrupted. */
const CLOSE_TIMEOUT_S = 1;

const ABOUT = `
Without --database-url, the VMs are played on a server that is started for them
and removed afterwards. DATABASE_URL and PGHOST do not count here, because the
VMs that are played stay in the database: name it on the command line.
\`vmstate replay remove\` deletes them.`;

/** Defines the command `vmstate replay`. */
export function replayCommand(): Command {
  return new Command("replay")
    .description("play the VMs of a trace against PostgreSQL, and check every answer")
    .argument("<file>", "CSV, or .csv.gz: arrival_s,batch,vcpus,memory_gb,lifetime_s")
    .addOption(namedDatabaseOption("a database to play in (default: a throw-away server)"))
    .option("--yes", "play without asking in a database that has instances already")
    .option("--limit <n>", "play only the first n VMs", atLeastOne)
    .option("--concurrency <n>", "connections, and VMs played at the same time", atLeastOne, 8)
    .option("--fail-rate <p>", "probability of each fault, 0 to 1", probability, 0)
    .option("--migrate-rate <p>", "probability of each migration of a VM, 0 to 1", probability, 0)
    .option("--seed <n>", "make the random choices of the run that printed this seed", seed)
    .option("--json", "print the result as one line of JSON, and the summary to stderr")
    .addHelpText("after", ABOUT)
    .action(runReplay)
    .addCommand(replayRemoveCommand());
}

async function runReplay(
  file: string,
  options: Omit<Options, "seed"> & { seed?: number },
  command: Command,
): Promise<void> {
  await playAndPrint(ioOf(command), file, { seed: randomInt(SEEDS), ...options });
}

async function playAndPrint(io: Io, file: string, options: Options): Promise<void> {
  const { stdout, stderr, signal, width } = io;
  const vms = Math.min(await countVms(file), options.limit ?? Infinity);
  const database = await openDatabase({ ...options, embedded: true }, signal);
  const result = await playIn(database, io, file, { ...options, limit: vms }).finally(database.close);
  for (const problem of problemsOf(result)) say(stderr, problem);
  say(options.json ? stderr : stdout, summaryOf(result, options, width));
  if (options.json) say(stdout, jsonOf(result, options));
  requireClean(result);
}

/** Plays the trace, after a question if that is needed, and says what stays in a database of the user's. */
async function playIn(
  database: Database,
  io: Io,
  file: string,
  options: Options & { limit: number },
): Promise<ReplayResult> {
  if (!options.databaseUrl) return await playOn(database, io, file, options);
  await requireConsent(io, database, { vms: options.limit, yes: options.yes === true });
  const run = newRun();
  try {
    return await playOn(database, io, file, { ...options, run });
  } finally {
    say(io.stderr, whatStays(database.where, run));
  }
}

function whatStays(where: string, run: string): string {
  return [
    `What was played stays in ${where}: instances`,
    `whose ids begin with ${run}. To delete them:`,
    `  vmstate replay remove ${run} --database-url <the same>`,
  ].join("\n");
}

/**
 * Plays the trace on a database.
 *
 * When interrupted, ends the connections; the VMs in play fail at their next verb.
 */
async function playOn(
  { url, where, newClient }: Database,
  { stderr, signal }: Io,
  file: string,
  options: Options & { limit: number; run?: string },
): Promise<ReplayResult> {
  const { limit, seed, concurrency } = options;
  say(stderr, `${limit} VMs on ${where}, seed ${seed}`);
  const sql = await newClient({ max: concurrency, prepare: true });
  const end = (): Promise<void> => sql.end({ timeout: CLOSE_TIMEOUT_S });
  signal.addEventListener("abort", () => void end(), { once: true });
  const progress = showProgress(stderr, limit);
  try {
    return await replay(sql, readTrace(file, limit), { ...options, signal, onPlayed: progress.played });
  } catch (error) {
    throw databaseError(error, url);
  } finally {
    progress.stop();
    await end();
  }
}

function atLeastOne(text: string): number {
  return parsed(text, /^[1-9]\d{0,8}$/, "Expected a whole number of at least 1.");
}

function probability(text: string): number {
  return parsed(text, /^(0|1|0?\.\d+|[01]\.0*)$/, "Expected a number from 0 to 1.");
}

function seed(text: string): number {
  return parsed(text, /^\d{1,10}$/, "Expected a whole number of at least 0.");
}

function parsed(text: string, pattern: RegExp, problem: string): number {
  if (pattern.test(text)) return Number(text);
  throw new InvalidArgumentError(problem);
}
