import { VmstateError } from "../errors/vmstate-error.js";
import type { ReportVmmArguments } from "./generated.js";
import { timeText } from "./parameters.js";

const KEYS: ReadonlySet<string> = new Set(
  Object.keys({
    instanceId: true,
    propolisId: true,
    state: true,
    generation: true,
    time: true,
    migrationInId: true,
    migrationInState: true,
    migrationInGeneration: true,
    migrationInTime: true,
    migrationOutId: true,
    migrationOutState: true,
    migrationOutGeneration: true,
    migrationOutTime: true,
  } satisfies Record<keyof ReportVmmArguments, true>),
);

/** Refuses unknown keys: a misspelt key would silently drop a part of a report. */
export function requireKnownKeys(report: object, where: string): void {
  for (const key in report)
    if (!KEYS.has(key))
      throw new VmstateError(`${where} has the unknown key "${key}"; known keys: ${[...KEYS].join(", ")}`);
}

/**
 * Copies a report, so that what the caller does with the original afterwards does not change what is sent.
 *
 * An object becomes the text that `reportVmm` would send in its place. So no value of one report can make the conversion
 * of a whole batch fail.
 */
export function copyReport(a: ReportVmmArguments): ReportVmmArguments {
  const copy: Record<string, unknown> = {};
  for (const key in a) {
    const value: unknown = a[key as keyof ReportVmmArguments];
    copy[key] = Object(value) === value ? timeText(value as Date) : value;
  }
  return copy as unknown as ReportVmmArguments;
}
