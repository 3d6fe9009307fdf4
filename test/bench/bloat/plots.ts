import { lines } from "../plots/chart.js";
import type { Bloat } from "./results.js";

const SHOWN = 8;

/** The pictures of a run, by file name: its largest tables and indexes. */
export function plotsOf({
  sizes,
  minutes,
  vmms,
  measuredSpeedup,
  machine,
  reports,
}: Bloat): Map<string, string> {
  const largest = Object.entries(sizes).toSorted(([, a], [, b]) => (b[0] ?? 0) - (a[0] ?? 0));
  const svg = lines({
    title: `KiB of tables and indexes during ${minutes} minutes of reports`,
    subtitle: `${vmms} VMMs, ${reports} reports, ${measuredSpeedup} times as fast as life, PostgreSQL ${machine.postgresql}`,
    scale: "linear",
    xName: "minutes",
    yName: "KiB",
    x: Array.from({ length: minutes + 1 }, (_, minute) => minute),
    series: largest.slice(0, SHOWN).map(([name, values]) => ({ name, values })),
  });
  return new Map([["bloat.svg", svg]]);
}
