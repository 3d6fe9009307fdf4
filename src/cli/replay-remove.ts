import { Command, InvalidArgumentError } from "commander";
import { removeReplay } from "../simulator/remove.js";
import { ioOf, say } from "../terminal/io.js";
import { withDatabase } from "./database.js";
import { namedDatabaseOption, type DatabaseUrlOption } from "./options.js";

/** Defines the command `vmstate replay remove`. */
export function replayRemoveCommand(): Command {
  return new Command("remove")
    .description("delete the instances and VMMs that a replay left in a database")
    .argument("<run>", "the first 8 digits of the ids of its instances", requireRun)
    .addOption(namedDatabaseOption("the database that was played in").makeOptionMandatory())
    .action(runRemove);
}

function requireRun(text: string): string {
  if (/^[0-9a-f]{8}$/.test(text)) return text;
  throw new InvalidArgumentError("Expected 8 hexadecimal digits, as the replay printed them.");
}

async function runRemove(run: string, { databaseUrl }: DatabaseUrlOption, command: Command): Promise<void> {
  const io = ioOf(command);
  const { instances, vmms } = await withDatabase(io, { databaseUrl, embedded: false }, ({ sql }) =>
    removeReplay(sql, run, io.signal),
  );
  say(io.stdout, `deleted ${instances} instances and ${vmms} VMMs; vmstate purge removes the rows later`);
}
