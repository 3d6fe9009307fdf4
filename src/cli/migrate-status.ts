import { Command } from "commander";
import { type MigrationStatus, migrationStatus } from "../schema/status.js";
import { requireUrl } from "./database.js";
import { orInterruption } from "../terminal/interruption.js";
import { ioOf, say, sayJson } from "../terminal/io.js";
import { databaseUrlOption, type DatabaseUrlOption, jsonOption, type JsonOption } from "./options.js";
import { table } from "../terminal/table.js";

/** Defines the command `vmstate migrate status`. */
export function migrateStatusCommand(): Command {
  return new Command("status")
    .description("list the schema migrations, applied and pending")
    .addOption(databaseUrlOption())
    .addOption(jsonOption())
    .action(runStatus);
}

async function runStatus(
  { databaseUrl, json }: DatabaseUrlOption & JsonOption,
  command: Command,
): Promise<void> {
  const io = ioOf(command);
  const status = await orInterruption(migrationStatus(requireUrl(databaseUrl)), io.signal);
  if (json) sayJson(io.stdout, status);
  else
    say(
      io.stdout,
      table(status.map(rowOf), {
        head: ["migration", "state", "applied at"].map((text) => ({ text, paint: io.colors.bold })),
        width: io.width,
      }),
    );
}

function rowOf({ name, state, isBreaking, timeApplied }: MigrationStatus): string[] {
  const time = timeApplied?.toISOString().replace("T", " ") ?? "";
  return [name, isBreaking ? `${state}, breaking` : state, time];
}
