import { table } from "../terminal/table.js";
import { VmstateError } from "../errors/vmstate-error.js";
import type { VerbFigures } from "./call-stats.js";
import type { ReplayResult } from "./replay.js";

/** How a replay was asked for, as far as its figures depend on it. */
export interface Setting {
  seed: number;
  concurrency: number;
  failRate: number;
  migrateRate: number;
}

const VIEWS = new Set(["api_instance", "api_vmms"]);

/** Writes the summary of a replay for people; its table is at most so wide. */
export function summaryOf(result: ReplayResult, setting: Setting, width: number): string {
  const { vms, seconds, verbs } = result;
  const calls = callsOf(verbs);
  const rates = `fail rate ${setting.failRate}, migrate rate ${setting.migrateRate}`;
  return [
    `${count(vms)} VMs, ${count(calls)} verbs in ${seconds.toFixed(1)} s: ${count(calls / seconds)} verbs/s`,
    `seed ${setting.seed}, concurrency ${setting.concurrency}, ${rates}`,
    tableOf(verbs, width),
    `VMs that ended in the state that the trace asks for: ${count(vms - result.wrongEndStates.count)} of ${count(vms)}`,
    `updates, VMMs and instances left over: ${count(result.leftovers.count)}`,
    `violated invariants: ${count(result.violations.count)}`,
    `unexpected answers: ${count(result.unexpected.count)}`,
  ].join("\n");
}

/**
 * Writes the summary of a replay for programs, in one line.
 *
 * Times are milliseconds, except for `seconds`.
 */
export function jsonOf(result: ReplayResult, setting: Setting): string {
  const { vms, seconds, verbs } = result;
  const { seed, concurrency, failRate, migrateRate } = setting;
  const calls = callsOf(verbs);
  return JSON.stringify({
    vms,
    verbs: calls,
    violations: result.violations.count,
    unexpected: result.unexpected.count,
    wrong: result.wrongEndStates.count,
    leftovers: result.leftovers.count,
    seconds,
    verbsPerSecond: calls / seconds,
    ...{ seed, concurrency, failRate, migrateRate },
    byVerb: Object.fromEntries(verbs.map(({ verb, ...figures }) => [verb, figures])),
  });
}

/** Lists the first problems of a replay, a line each. */
export function problemsOf({ unexpected, wrongEndStates, leftovers, violations }: ReplayResult): string[] {
  const kinds = {
    "unexpected answer": unexpected,
    "wrong end state": wrongEndStates,
    "left over": leftovers,
    "violated invariant": violations,
  };
  return Object.entries(kinds).flatMap(([kind, { first }]) => first.map((line) => `${kind}: ${line}`));
}

/**
 * Throws when a replay found any problem.
 *
 * @throws VmstateError unless all went well
 */
export function requireClean({ unexpected, wrongEndStates, leftovers, violations }: ReplayResult): void {
  if (unexpected.count + wrongEndStates.count + leftovers.count + violations.count === 0) return;
  const counts = [
    `unexpected answers ${count(unexpected.count)}`,
    `VMs in a wrong end state ${count(wrongEndStates.count)}`,
    `left over ${count(leftovers.count)}`,
    `violated invariants ${count(violations.count)}`,
  ];
  throw new VmstateError(`the replay failed: ${counts.join(", ")}`);
}

function tableOf(verbs: readonly VerbFigures[], width: number): string {
  const rows = verbs.flatMap(({ verb, calls, p50, p99, outcomes }) =>
    Object.entries(outcomes).map(([outcome, times], n) => [
      ...(n === 0 ? [verb, count(calls), digits(p50), digits(p99)] : ["", "", "", ""]),
      count(times),
      outcome.replace("conflict ", ""),
    ]),
  );
  return table(rows, {
    between: " ",
    head: ["verb", "calls", "p50 ms", "p99 ms", "of them", "outcome"],
    right: [1, 2, 3, 4],
    width,
  });
}

/** Counts the calls of verbs, without the reads of views. */
function callsOf(verbs: readonly VerbFigures[]): number {
  return verbs.filter(({ verb }) => !VIEWS.has(verb)).reduce((sum, { calls }) => sum + calls, 0);
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en");
}

function digits(milliseconds: number): string {
  return milliseconds.toLocaleString("en", { maximumSignificantDigits: 3 });
}
