import Table from "cli-table3";
import type { Verdict } from "../prove.js";
import type { Fault, Finding } from "./finding.js";
import type { Count, Totals } from "./totals.js";
import type { Kind } from "./call-case.js";

/** Makes a table with a row per target: how many of its calls were accepted, and what refused the others. */
export function describeCounts(totals: Totals): string {
  const table = new Table({
    head: ["", "calls", "accepted", "refused"],
    style: { head: [], border: [] },
    wordWrap: true,
    colWidths: [36, 9, 10, 90],
  });
  for (const [{ name }, { calls, accepted, refused }] of totals) {
    const codes = [...refused].sort(([a], [b]) => (a < b ? -1 : 1)).map(([code, n]) => `${code} ${n}`);
    table.push([name, calls, accepted, codes.join(", ")]);
  }
  return table.toString();
}

export function figuresOf(
  totals: Totals,
  findings: readonly Finding[],
  batches: readonly string[],
  tookMs: number,
): Verdict {
  const counts = [...totals.values()];
  const calls = sum(counts, (count) => count.calls);
  const accepted = sum(counts, (count) => count.accepted);
  const codes = new Set(counts.flatMap((count) => [...count.refused.keys()]).filter(isSqlState));
  const of = (fault: Fault): number => findings.filter((finding) => finding.fault === fault).length;
  const [errors, changes] = [of("internal error"), of("changed row")];
  const parts = [
    ...(["verb", "function", "view", "table", "wrapper"] as const).map((kind) => ofKind(totals, kind)),
    `${n(calls)} calls`,
    `${n(accepted)} accepted`,
    `${n(calls - accepted)} refused with ${codes.size} codes`,
    ...batches,
    `${errors} internal errors`,
    `${changes} changed rows`,
    `${findings.length - errors - changes} other faults`,
    `${(tookMs / 1000).toFixed(0)} s`,
  ];
  return { figures: parts.join(", "), failures: findings.length };
}

function ofKind(totals: Totals, kind: Kind): string {
  return `${[...totals.keys()].filter((target) => target.kind === kind).length} ${kind}s`;
}

function sum(counts: readonly Count[], of: (count: Count) => number): number {
  return counts.reduce((total, count) => total + of(count), 0);
}

function isSqlState(code: string): boolean {
  return /^[0-9A-Z]{5}$/.test(code);
}

function n(value: number): string {
  return value.toLocaleString("en");
}
