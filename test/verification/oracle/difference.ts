import { inspect } from "node:util";
import type { Call } from "./calls.js";
import type { Names } from "./names.js";

/** The calls that led to a difference. */
interface Course {
  names: Names;
  calls: readonly Call[];
}

/** The model and the database are not alike after the last of some calls. */
export class Difference extends Error {
  constructor({ names, calls }: Course, found: readonly string[]) {
    super(names.named([...found, "", "after", ...calls.map(callLine)].join("\n")));
  }
}

function callLine(call: Call, index: number): string {
  return `  ${index + 1}. ${callText(call)}`;
}

/** A call on one line, without what it leaves out. */
export function callText({ verb, a }: Call): string {
  return `${verb} ${oneLine(a)}`;
}

export function oneLine(value: unknown): string {
  const given: unknown = JSON.parse(JSON.stringify(value, (_, each: unknown) => each ?? undefined));
  return inspect(given, { breakLength: Infinity, depth: null });
}
