import { Command } from "commander";
import { pendingMigrations, sqlOf } from "../schema/status.js";
import { requireUrl } from "./database.js";
import { orInterruption } from "../terminal/interruption.js";
import { ioOf, say } from "../terminal/io.js";
import { databaseUrlOption, type DatabaseUrlOption } from "./options.js";

/** Defines the command `vmstate migrate plan`. */
export function migratePlanCommand(): Command {
  return new Command("plan")
    .description("print the SQL that migrate would run; change nothing")
    .addOption(databaseUrlOption())
    .action(runPlan);
}

async function runPlan({ databaseUrl }: DatabaseUrlOption, command: Command): Promise<void> {
  const io = ioOf(command);
  const pending = await orInterruption(pendingMigrations(requireUrl(databaseUrl)), io.signal);
  if (pending.length === 0) say(io.stderr, "up to date: there is nothing to apply");
  io.stdout.write(sqlOf(pending));
}
