import { Command } from "commander";
import { readBothSides } from "./instance-rows.js";
import { ioOf, say, sayJson } from "./io.js";
import {
  databaseUrlOption,
  type DatabaseUrlOption,
  instanceArgument,
  jsonOption,
  type JsonOption,
} from "./options.js";
import { instanceText } from "./instance-text.js";
import { withSnapshot } from "./snapshot.js";

/** `vmstate show` */
export function showCommand(): Command {
  return new Command("show")
    .description("an instance as the API shows it, and its rows")
    .addArgument(instanceArgument())
    .addOption(databaseUrlOption())
    .addOption(jsonOption())
    .action(runShow);
}

async function runShow(
  instanceId: string,
  options: DatabaseUrlOption & JsonOption,
  command: Command,
): Promise<void> {
  const io = ioOf(command);
  const sides = await withSnapshot(io, options, (sql) => readBothSides(sql, instanceId));
  if (options.json) sayJson(io.stdout, sides);
  else say(io.stdout, instanceText(sides, new Date(), io.colors));
}
