import { Command } from "commander";
import { type InstanceWithRows, readInstanceWithRows } from "./queries/instance-rows.js";
import { type Io, ioOf, say, sayJson } from "../terminal/io.js";
import {
  databaseUrlOption,
  type DatabaseUrlOption,
  instanceArgument,
  jsonOption,
  type JsonOption,
} from "./options.js";
import { instanceText } from "./output/instance-text.js";
import { type PublicInstance, readPublicInstance } from "./queries/public-instance.js";
import { publicText } from "./output/public-text.js";
import { mayReadTables } from "./queries/rights.js";
import { withSnapshot } from "./queries/snapshot.js";

/** Defines the command `vmstate show`. */
export function showCommand(): Command {
  return new Command("show")
    .description("print an instance as the API shows it, beside its rows")
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
  const sides = await withSnapshot(io, options, async (sql) =>
    (await mayReadTables(sql))
      ? await readInstanceWithRows(sql, instanceId)
      : await readPublicInstance(sql, instanceId),
  );
  if (options.json) sayJson(io.stdout, sides);
  else say(io.stdout, textOf(sides, io));
}

function textOf(sides: InstanceWithRows | PublicInstance, io: Io): string {
  const now = new Date();
  return sides.rows ? instanceText(sides, now, io) : publicText(sides, now, io);
}
