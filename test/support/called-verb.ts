import type { ReportVmmArguments } from "../../src/index.js";
import { plainBatchOf } from "../../src/client/plain-batch.js";
import { snakeCase } from "./verbs.js";

/**
 * Returns the verb that a function of the package calls, by its name in SQL.
 *
 * `reportVmms` sends a batch without migration parts as arrays, which are another verb's.
 */
export function calledVerb(name: string, argument: unknown): string {
  const isPlain =
    name === "reportVmms" && plainBatchOf(argument as readonly ReportVmmArguments[]) !== undefined;
  return isPlain ? "report_vmm_batch" : snakeCase(name);
}

/** Makes a report that goes as JSON: its time is not written as arrays have it. */
export function asJson<R extends { time: Date | string }>(report: R): R & { time: string } {
  return { ...report, time: new Date(report.time).toISOString().replace("Z", "+00:00") };
}
