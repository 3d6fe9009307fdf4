import { Command } from "commander";
import { VmstateError } from "../errors/vmstate-error.js";
import type { InvariantViolationRow } from "../client/generated.js";
import { invariantViolations } from "../client/views.js";
import { type Io, ioOf, say, sayJson } from "../terminal/io.js";
import { databaseUrlOption, type DatabaseUrlOption, jsonOption, type JsonOption } from "./options.js";
import { withSnapshot } from "./queries/snapshot.js";

/** Defines the command `vmstate verify`. */
export function verifyCommand(): Command {
  return new Command("verify")
    .description("list the rows that break an invariant")
    .option("--since <time>", "look only at instances that have changed since this time")
    .addOption(databaseUrlOption())
    .addOption(jsonOption())
    .action(runVerify);
}

interface Options extends DatabaseUrlOption, JsonOption {
  since?: string;
}

async function runVerify(options: Options, command: Command): Promise<void> {
  const io = ioOf(command);
  const violations = await withSnapshot(io, options, (sql) =>
    invariantViolations(sql, { since: options.since }),
  );
  if (options.json) sayJson(io.stdout, violations);
  else printViolations(io, violations);
  requireNone(violations);
}

function printViolations(io: Io, violations: readonly InvariantViolationRow[]): void {
  for (const violation of violations) say(io.stdout, describe(io, violation));
  if (violations.length === 0) say(io.stdout, io.colors.green("no invariant is violated"));
}

function describe(
  { colors }: Io,
  { invariant, detail, instanceId, propolisId }: InvariantViolationRow,
): string {
  return `${colors.red(invariant)}: ${detail}\n  instance ${instanceId}\n  VMM      ${propolisId ?? "none"}`;
}

/**
 * Throws when there is any violation.
 *
 * @throws VmstateError that counts them
 */
export function requireNone({ length }: readonly InvariantViolationRow[]): void {
  if (length === 0) return;
  throw new VmstateError(`${length} ${length === 1 ? "row breaks" : "rows break"} an invariant`);
}
