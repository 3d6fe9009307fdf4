import { Command, InvalidArgumentError, Option } from "commander";
import type postgres from "postgres";
import { VmstateError } from "../errors/vmstate-error.js";
import { ioOf, say, sayJson } from "../terminal/io.js";
import { databaseUrlOption, type DatabaseUrlOption, jsonOption, type JsonOption } from "./options.js";
import { type Status, statusJson, statusText } from "./output/status-text.js";
import { countInstances } from "./queries/instance-counts.js";
import { withConnection, withSnapshot } from "./queries/snapshot.js";
import { readWorkLists, type WorkList } from "./queries/work-lists.js";
import { watch } from "./watch.js";

interface Options extends DatabaseUrlOption, JsonOption {
  watch?: true;
  interval: number;
  exitCode?: true;
}

const EXIT_CODES = `
Exit codes:
  0  the status was printed; with --exit-code: and no instance is stuck
  1  the status was not read; with --exit-code: or an instance is stuck
  2  the command line was not understood

An instance is stuck if view vmstate.stuck_instance lists it: it has been on its
way to another state for more than 10 minutes without any news.`;

/** Defines the command `vmstate status`. */
export function statusCommand(): Command {
  return new Command("status")
    .description("count the instances by state, and the rows of each work list")
    .addOption(databaseUrlOption())
    .addOption(jsonOption())
    .addOption(
      new Option("--watch", "print the status again and again, until Ctrl-C").conflicts(["json", "exitCode"]),
    )
    .option("--interval <seconds>", "how long --watch waits before it reads again", seconds, 2)
    .option("--exit-code", "end with exit code 1 if an instance is stuck")
    .addHelpText("after", EXIT_CODES)
    .action(runStatus);
}

function seconds(text: string): number {
  const value = Number(text);
  if (/^\d{1,5}(\.\d{1,3})?$/.test(text) && value >= 0.1) return value;
  throw new InvalidArgumentError("Expected a number of seconds, at least 0.1.");
}

async function runStatus(options: Options, command: Command): Promise<void> {
  const io = ioOf(command);
  if (options.watch)
    await withConnection(io, options, async ({ where, snapshot }) => {
      await watch(
        io,
        options.interval,
        async () => `${where}\n\n${statusText(await snapshot(readStatus), io)}`,
      );
    });
  else await printOnce(options, command);
}

async function printOnce(options: Options, command: Command): Promise<void> {
  const io = ioOf(command);
  const status = await withSnapshot(io, options, async (sql, { where }) => {
    say(io.stderr, where);
    return await readStatus(sql);
  });
  if (options.json) sayJson(io.stdout, statusJson(status));
  else say(io.stdout, statusText(status, io));
  if (options.exitCode) requireNoneStuck(status.workLists);
}

async function readStatus(sql: postgres.TransactionSql): Promise<Status> {
  return { instances: await countInstances(sql), workLists: await readWorkLists(sql) };
}

/**
 * Throws when an instance is stuck.
 *
 * @throws VmstateError that counts them
 */
function requireNoneStuck(workLists: readonly WorkList[]): void {
  const stuck = workLists.reduce((sum, { name, size }) => (name === "stuck_instance" ? size : sum), 0);
  if (stuck === 0) return;
  throw new VmstateError(
    `${stuck} ${stuck === 1 ? "instance is" : "instances are"} stuck: see vmstate.stuck_instance`,
  );
}
