import type { Spread } from "../measure.js";
import { most } from "../targets.js";
import type { Target } from "../results.js";
import type { CallGrowth } from "./results.js";

/** The most that a verb's time may grow to from the smallest to the largest size. */
export const GROWTH = 1.3;
/** The most that a work list may cost, next to reading as many rows by key. */
export const TO_BY_KEY = 2;

/** Compares what this run measured with the targets of the project. */
export function judge(calls: readonly CallGrowth[], sizes: readonly number[]): Target[] {
  const [smallest = Number.NaN, ...larger] = sizes;
  const verbs = calls.filter(({ kind }) => kind === "verb");
  const growths = larger.map((size, at) => {
    const limit = size === larger.at(-1) ? GROWTH : Math.log(size) / Math.log(smallest);
    const [worst] = verbs.toSorted((a, b) => growthOf(b, at + 1).median - growthOf(a, at + 1).median);
    if (worst === undefined) throw new Error("no verb was measured");
    const name = `the worst verb among ${count(size)} VMMs / ${count(smallest)}: ${worst.name}`;
    return most(name, Number(limit.toFixed(2)), growthOf(worst, at + 1));
  });
  const lists = calls.flatMap(({ name, toByKey }) => {
    const measured = toByKey?.at(-1);
    return measured === undefined ? [] : [most(`${name} / by key`, TO_BY_KEY, measured)];
  });
  return [...growths, ...lists];
}

function growthOf({ name, growth }: CallGrowth, at: number): Spread {
  const spread = growth[at];
  if (spread === undefined) throw new Error(`${name} was not measured at every size`);
  return spread;
}

/** A number for people. */
export function count(n: number): string {
  return n.toLocaleString("en-US");
}
