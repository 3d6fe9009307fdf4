import type { ReportVmmArguments } from "./generated.js";
import { timeText } from "./parameters.js";

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
