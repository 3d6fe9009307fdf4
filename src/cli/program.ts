import { Command } from "commander";
import { demoCommand } from "./demo.js";
import { doctorCommand } from "./doctor.js";
import { explainCommand } from "./explain.js";
import { historyCommand } from "./history.js";
import type { Host } from "../terminal/io.js";
import { listCommand } from "./list.js";
import { migrateCommand } from "./migrate.js";
import { packageVersion } from "./package-version.js";
import { purgeCommand } from "./purge.js";
import { replayCommand } from "./replay.js";
import { run } from "./run.js";
import { showCommand } from "./show.js";
import { statusCommand } from "./status.js";
import { verifyCommand } from "./verify.js";

const COMMANDS = [
  migrateCommand,
  statusCommand,
  listCommand,
  showCommand,
  explainCommand,
  historyCommand,
  verifyCommand,
  doctorCommand,
  purgeCommand,
  demoCommand,
  replayCommand,
];

const ABOUT = `
Name the database with --database-url, DATABASE_URL, or libpq's PGHOST and
PGDATABASE; a password may be in ~/.pgpass. Exit codes: 0 done, 1 failed or
found something wrong, 2 the command line was not understood.`;

/**
 * Runs the `vmstate` program.
 *
 * @param args without the names of node and of the script
 * @param host `process`, or a stand-in
 * @returns the exit code
 */
export async function main(args: readonly string[], host: Host): Promise<number> {
  return await run(newProgram(host), args, host);
}

function newProgram({ stdout, stderr }: Host): Command {
  const program = new Command("vmstate")
    .description("VM instance lifecycle kept right inside PostgreSQL")
    .version(packageVersion())
    .exitOverride()
    .enablePositionalOptions()
    .addHelpText("after", ABOUT)
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: (text, write) => {
        write(usageError(text, "vmstate --help"));
      },
    });
  for (const newCommand of COMMANDS) {
    const command = newCommand();
    inherit(command, program, `vmstate ${command.name()}`);
    program.addCommand(command);
  }
  return program;
}

function inherit(command: Command, parent: Command, name: string): void {
  command.copyInheritedSettings(parent).configureOutput({
    outputError: (text, write) => {
      write(usageError(text, `${name} --help`));
    },
  });
  for (const child of command.commands) inherit(child, command, `${name} ${child.name()}`);
}

/** Writes a usage error in one line; commander puts its suggestions on a second. */
function usageError(text: string, help: string): string {
  const problem = text
    .trim()
    .replace(/^error: /, "")
    .replace(/\.$/, "");
  return `vmstate: ${problem.replaceAll("\n", " ")}; see ${help}\n`;
}
