import { table } from "../../src/terminal/table.js";
import type { Spread } from "./measure.js";
import type { CaseResult, Machine, Target, Results } from "./results.js";

/** What a reader has to know before the figures. */
export function machineText(machine: Machine, { rows, seed }: Pick<Results, "rows" | "seed">): string {
  return [
    serverText(machine),
    wrap(`${rows} VMMs in vmstate, and as many in its copy without triggers, bench_plain, seed ${seed}`),
    wrap("bare statement: on bench_plain, where no trigger slows it down"),
  ].join("\n");
}

export function serverText(machine: Machine): string {
  const { cpu, cores, memoryMiB, node, postgresql, server, settings, clients } = machine;
  const list = (of: Record<string, string>): string =>
    Object.entries(of)
      .map(([name, value]) => `${name} ${value}`)
      .join(", ");
  return [
    `${cpu} x ${cores}, ${memoryMiB} MiB, Node ${node}`,
    `PostgreSQL ${postgresql} (${server})`,
    list(settings),
    list(clients),
  ]
    .map((line) => wrap(line))
    .join("\n");
}

const WIDTH = 80;

function wrap(line: string): string {
  let text = "";
  let width = 0;
  for (const word of line.split(/(?<=, )/)) {
    if (width > 0 && width + word.trimEnd().length > WIDTH) {
      text = `${text.trimEnd()}\n  `;
      width = 2;
    }
    text += word;
    width += word.length;
  }
  return text;
}

export function caseText(result: CaseResult): string {
  const { title, unit, base, warmUp, rounds, connections, entries } = result;
  const ofPool = connections === 1 ? "1 connection" : `${connections} connections`;
  const times = table(
    entries.map(({ name, p50Micros, p99Micros, perSecond, ratio }) => [
      name,
      String(Math.round(p50Micros)),
      String(Math.round(p99Micros)),
      perSecondText(perSecond),
      ...(ratio === null ? [] : [spreadText(ratio)]),
    ]),
    {
      head: ["", "p50 µs", "p99 µs", `${unit}/s`, ...(base === null ? [] : ["speed ratio"])],
      right: [1, 2, 3],
    },
  );
  const compared = base === null ? "" : `, compared with ${base}`;
  const how = wrap(`${warmUp} + ${rounds} rounds, ${ofPool}${compared}`);
  return [wrap(title), how, times, countsText(result)].filter((part) => part !== "").join("\n");
}

export function perSecondText(perSecond: number): string {
  return perSecond < 100 ? perSecond.toFixed(1) : Math.round(perSecond).toLocaleString("en-US");
}

function countsText({ entries }: CaseResult): string {
  const names = [...new Set(entries.flatMap(({ counts }) => Object.keys(counts)))];
  if (names.length === 0) return "";
  const rows = entries.map(({ name, counts }) => [
    name,
    ...names.map((each) => (counts[each] === undefined ? "" : String(Number(counts[each].toFixed(1))))),
  ]);
  return table(rows, { head: ["", ...names], right: names.map((_, at) => at + 1) });
}

export function targetsText(targets: readonly Target[]): string {
  return table(
    targets.map(({ name, bound, target, measured, reached, limit }) => [
      name,
      `${bound === "least" ? "≥" : "≤"} ${target}`,
      spreadText(measured),
      `${reached ? "reached" : "not reached"}${limit === undefined || reached ? "" : `; bare ${limit.toFixed(2)}`}`,
    ]),
    { head: ["target", "", "measured", ""], width: WIDTH, wrap: 0 },
  );
}

export function spreadText({ median, low, high }: Spread): string {
  return `${digits(median)} [${digits(low)}, ${digits(high)}]`;
}

function digits(value: number): string {
  return value < 10 ? value.toFixed(2) : value.toFixed(1);
}
