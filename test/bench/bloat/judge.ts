import { least, most } from "../targets.js";
import type { Target } from "../results.js";
import type { Series } from "./bloat.js";

/** Minutes until every page has its share of room. */
const SETTLED = 10;
const GROWTH = 1.1;
const HOT = 97;
/** In KiB: less is a handful of pages, of which one more is no growth. */
const SMALL = 128;

/** What the package promises of itself, next to what this run measured. */
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

/** One run has no spread. */
function exactly(value = Number.NaN): Target["measured"] {
  return { median: value, low: value, high: value };
}
