import { least, most } from "../targets.js";
import type { Target } from "../results.js";
import type { Series } from "./bloat.js";

/** Minutes until the tables have their size: until then UPDATEs still make room in pages that were loaded full. */
const SETTLED = 10;
/** How many times as large as at that minute a table or index may be at the end. */
const GROWTH = 1.1;
/** The least share of updates that have to be HOT, in percent. */
const HOT = 97;
/** In KiB. A smaller index has so few pages that one page more would count as growth. */
const SMALL = 128;

/** Compares what this run measured with the targets of the project. */
export function judge({ sizes, hotPercent }: Series): Target[] {
  const large = Object.entries(sizes).filter(([, kib]) => Math.max(...kib) > SMALL);
  return [
    most("all tables and indexes, at the end / after 10 minutes", GROWTH, exactly(growthOf(sumOf(sizes)))),
    ...large.map(([name, kib]) => most(name, GROWTH, exactly(growthOf(kib)))),
    least("HOT updates of VMMs, %", HOT, exactly(hotPercent["vmm"])),
  ];
}

function sumOf(sizes: Series["sizes"]): number[] {
  const all = Object.values(sizes);
  return (all[0] ?? []).map((_, at) => all.reduce((sum, kib) => sum + (kib[at] ?? 0), 0));
}

function growthOf(kib: readonly number[]): number {
  return (kib.at(-1) ?? Number.NaN) / (kib[SETTLED] ?? Number.NaN);
}

/** Makes the figure of a single run, which has no spread. */
function exactly(value = Number.NaN): Target["measured"] {
  return { median: value, low: value, high: value };
}
