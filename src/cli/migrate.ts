import { Command } from "commander";
import { migrate } from "../migrate.js";
import { requireUrl } from "./database.js";
import { orInterruption } from "./interruption.js";
import { ioOf, say, sayJson } from "./io.js";
import { databaseUrlOption, type DatabaseUrlOption, jsonOption, type JsonOption } from "./options.js";

/** `vmstate migrate` */
export function migrateCommand(): Command {
  return new Command("migrate")
    .description("install vmstate in a database, or update it")
    .addOption(databaseUrlOption())
    .addOption(jsonOption())
    .action(runMigrate);
}

async function runMigrate(
  { databaseUrl, json }: DatabaseUrlOption & JsonOption,
  command: Command,
): Promise<void> {
  const io = ioOf(command);
  const applied = await orInterruption(migrate(requireUrl(databaseUrl)), io.signal);
  if (applied.length === 0) say(io.stderr, "up to date: there was nothing to apply");
  if (json) sayJson(io.stdout, applied);
  else for (const name of applied) say(io.stdout, name);
}
