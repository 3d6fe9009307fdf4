import { Command } from "commander";
import type { Comparison, Difference } from "../schema/drift/compare.js";
import { examine } from "../schema/drift/find-drift.js";
import { VmstateError } from "../errors/vmstate-error.js";
import { withDatabase } from "./database.js";
import { additionText, differenceText } from "./output/difference-text.js";
import { type Colors, ioOf, say, sayJson } from "../terminal/io.js";
import { databaseUrlOption, type DatabaseUrlOption, jsonOption, type JsonOption } from "./options.js";

const EXIT_CODES = `
Exit codes:
  0  the schema is as this vmstate makes it; there may be warnings
  1  something is missing, unexpected or changed, or was not compared
  2  the command line was not understood

A warning names what you added: an index, trigger, constraint, view, table, or
column that no verb has to fill; statistics objects and targets, n_distinct,
storage parameters that vmstate does not set. A function, rule or policy that
you added is unexpected. docs/your-tables.md has the whole list.`;

/** Defines the command `vmstate doctor`. */
export function doctorCommand(): Command {
  return new Command("doctor")
    .description("list how the schema differs from this vmstate; repair nothing")
    .addOption(databaseUrlOption())
    .addOption(jsonOption())
    .addHelpText("after", EXIT_CODES)
    .action(runDoctor);
}

async function runDoctor(options: DatabaseUrlOption & JsonOption, command: Command): Promise<void> {
  const io = ioOf(command);
  const comparison = await withDatabase(io, { ...options, embedded: false, mayBeEmpty: true }, ({ sql }) =>
    examine(sql),
  );
  const { differences, warnings } = comparison;
  if (options.json) sayJson(io.stdout, [...differences, ...warnings]);
  else for (const line of linesOf(comparison, io.colors)) say(io.stdout, line);
  requireNone(differences);
}

/** Writes differences first, because they have to be repaired, then warnings. */
function linesOf({ differences, warnings }: Comparison, colors: Colors): string[] {
  const found = [
    ...differences.map((difference) => differenceText(difference, colors)),
    ...warnings.map((warning) => additionText(warning, colors)),
  ];
  return differences.length > 0 ? found : [...found, healthy(warnings.length, colors)];
}

function healthy(warnings: number, colors: Colors): string {
  const counted = warnings === 0 ? "" : `; warnings: ${warnings}`;
  return colors.green(`the schema is as this vmstate makes it${counted}`);
}

/**
 * Throws when there is any difference.
 *
 * @throws VmstateError that counts them
 */
function requireNone({ length }: readonly Difference[]): void {
  if (length === 0) return;
  throw new VmstateError(
    `${length} ${length === 1 ? "difference" : "differences"} from the schema that this vmstate makes`,
  );
}
