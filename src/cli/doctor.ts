import { Command } from "commander";
import type { Difference } from "../catalog/compare.js";
import { findDrift } from "../catalog/doctor.js";
import { VmstateError } from "../errors.js";
import { withDatabase } from "./database.js";
import { differenceText } from "./difference-text.js";
import { ioOf, say, sayJson } from "./io.js";
import { databaseUrlOption, type DatabaseUrlOption, jsonOption, type JsonOption } from "./options.js";

/** `vmstate doctor` */
export function doctorCommand(): Command {
  return new Command("doctor")
    .description("name what is not as this vmstate makes it; repair nothing")
    .addOption(databaseUrlOption())
    .addOption(jsonOption())
    .action(runDoctor);
}

async function runDoctor(options: DatabaseUrlOption & JsonOption, command: Command): Promise<void> {
  const io = ioOf(command);
  const drift = await withDatabase(io, { ...options, embedded: false, mayBeEmpty: true }, ({ sql }) =>
    findDrift(sql),
  );
  if (options.json) sayJson(io.stdout, drift);
  else for (const difference of drift) say(io.stdout, differenceText(difference, io.colors));
  if (drift.length === 0 && !options.json)
    say(io.stdout, io.colors.green("the schema is as this vmstate makes it"));
  requireNone(drift);
}

/** @throws VmstateError that counts them */
function requireNone({ length }: readonly Difference[]): void {
  if (length === 0) return;
  throw new VmstateError(
    `${length} ${length === 1 ? "thing is" : "things are"} not as this vmstate makes them`,
  );
}
