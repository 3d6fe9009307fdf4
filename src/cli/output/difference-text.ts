import type { Addition, Difference } from "../../schema/drift/compare.js";
import { type Colors, WIDTH } from "../../terminal/io.js";

/** How many characters to show before the first one that differs. */
const CONTEXT = 20;

/** Writes a difference in lines of at most 80 characters. */
export function differenceText(difference: Difference, colors: Colors): string {
  const { difference: what, kind, name } = difference;
  const head = cut(`${what.padEnd("unexpected".length)}  ${kind} ${name}`);
  const line = head.replace(what, colors.red(what));
  if (difference.difference !== "changed") return line;
  const { property, expected, actual } = difference;
  const [wanted, found, place] = firstDifference(expected ?? "", actual ?? "");
  return [
    line,
    `  ${property}${place}`,
    cut(`    expected  ${expected === null ? "(none)" : wanted}`),
    cut(`    actual    ${actual === null ? "(none)" : found}`),
  ].join("\n");
}

/** Writes an addition in lines of at most 80 characters. */
export function additionText({ kind, name, property, actual }: Addition, colors: Colors): string {
  const added = property === null ? " was added" : "";
  const head = cut(`${"warning".padEnd("unexpected".length)}  ${kind} ${name}${added}`);
  const line = head.replace("warning", colors.yellow("warning"));
  return property === null
    ? line
    : [line, cut(`  ${property} was added`), cut(`    actual    ${String(actual)}`)].join("\n");
}

/**
 * Returns the first lines in which two texts differ, and their numbers.
 *
 * Each begins shortly before the difference.
 */
function firstDifference(expected: string, actual: string): [string, string, string] {
  const [left, right] = [expected.split("\n"), actual.split("\n")];
  const n = left.concat(right).findIndex((_, i) => left[i] !== right[i]);
  const [wanted = "", found = ""] = [left[n], right[n]];
  let at = 0;
  while (at < wanted.length && wanted[at] === found[at]) at++;
  const start = Math.max(0, at - CONTEXT);
  const from = (line: string): string => (start > 0 ? `…${line.slice(start)}` : line.trimStart());
  return [from(wanted), from(found), left.length + right.length > 2 ? `, line ${n + 1}` : ""];
}

function cut(line: string): string {
  return line.length > WIDTH ? `${line.slice(0, WIDTH - 1)}…` : line.trimEnd();
}
