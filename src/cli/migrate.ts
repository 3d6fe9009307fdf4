import { Command, InvalidArgumentError } from "commander";
import { migrate } from "../schema/migrate.js";
import { requireUrl } from "./database.js";
import { orInterruption } from "../terminal/interruption.js";
import { ioOf, say, sayJson } from "../terminal/io.js";
import { migrateExportCommand } from "./migrate-export.js";
import { migratePlanCommand } from "./migrate-plan.js";
import { migrateStatusCommand } from "./migrate-status.js";
import { databaseUrlOption, type DatabaseUrlOption, jsonOption, type JsonOption } from "./options.js";

interface Options extends DatabaseUrlOption, JsonOption {
  lockTimeout?: string;
}

/** Defines the command `vmstate migrate`. */
export function migrateCommand(): Command {
  return new Command("migrate")
    .description("install vmstate in a database, or upgrade it")
    .addOption(databaseUrlOption())
    .option(
      "--lock-timeout <time>",
      "longest wait for a lock: a whole number and ms, s or min, or 0 for no limit" +
        " (default: 10s for locks on tables, no limit while another session migrates)",
      duration,
    )
    .addOption(jsonOption())
    .action(runMigrate)
    .addCommand(migrateStatusCommand())
    .addCommand(migratePlanCommand())
    .addCommand(migrateExportCommand());
}

async function runMigrate({ databaseUrl, lockTimeout, json }: Options, command: Command): Promise<void> {
  const io = ioOf(command);
  const notice = (line: string): void => {
    say(io.stderr, line);
  };
  const applied = await orInterruption(migrate(requireUrl(databaseUrl), { lockTimeout, notice }), io.signal);
  if (applied.length === 0) say(io.stderr, "up to date: there was nothing to apply");
  if (json) sayJson(io.stdout, applied);
  else for (const name of applied) say(io.stdout, name);
}

function duration(text: string): string {
  if (/^(0|\d{1,6}(ms|s|min))$/.test(text)) return text;
  throw new InvalidArgumentError(
    "Expected a whole number and ms, s or min, for example 5s, or 0 for no limit.",
  );
}
