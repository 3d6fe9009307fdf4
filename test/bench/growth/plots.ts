import { type Caption, lines } from "../plots/chart.js";
import { count } from "./judge.js";
import { BY_KEY } from "./lists.js";
import type { CallGrowth, Growth } from "./results.js";

const VERBS = [
  "report_vmm, no news",
  "report_vmm, another state",
  "report_vmm_batch, 100 VMMs",
  "report_vmms, 100 VMMs",
  "begin_start",
  "begin_migration",
  "run_update, migrated",
  "delete_vmm",
  "fail_sled, about 30 VMMs",
];

/** The pictures of a run, by file name. */
export function plotsOf(growth: Growth): Map<string, string> {
  const { calls } = growth;
  const lists = calls.filter(({ name, toByKey }) => name === BY_KEY || toByKey !== undefined);
  return new Map([
    ["growth-verbs.svg", plot(growth, "µs of a verb by the size of the table", byName(calls, VERBS))],
    ["growth-lists.svg", plot(growth, "µs to read 100 rows of a work list by the size of the table", lists)],
  ]);
}

function byName(calls: readonly CallGrowth[], names: readonly string[]): CallGrowth[] {
  return calls.filter(({ name }) => names.includes(name));
}

function plot({ machine, sizes }: Growth, title: string, calls: readonly CallGrowth[]): string {
  const { fsync = "?", shared_buffers = "?" } = machine.settings;
  const caption: Caption = {
    title,
    subtitle:
      `${machine.cpu} x ${machine.cores}, PostgreSQL ${machine.postgresql}, fsync ${fsync}, ` +
      `shared_buffers ${shared_buffers}, medians`,
  };
  return lines({
    ...caption,
    xName: `VMMs in the table (${sizes.map(({ vmms }) => count(vmms)).join(", ")})`,
    yName: "µs",
    x: sizes.map(({ vmms }) => vmms),
    series: calls.map(({ name, p50Micros }) => ({ name, values: p50Micros })),
  });
}
