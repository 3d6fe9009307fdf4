import { median } from "simple-statistics";
import type { Random } from "../../../src/simulator/random.js";
import { type Spread, spread } from "../measure.js";
import type { Samples } from "./clock.js";
import type { Effort } from "./explained.js";
import { BY_KEY, LISTS, PAGE_NAMES } from "./lists.js";
import type { CallGrowth } from "./results.js";
import type { MeasuredSite } from "./site.js";

/** What the sites' clocks say, by call. */
export function callsOf(sites: readonly MeasuredSite[], random: Random): CallGrowth[] {
  const names = [...(sites[0]?.caller.samples.keys() ?? [])];
  return names.map((name) => {
    const samples = sites.map((site) => samplesOf(site, name));
    const [smallest] = samples as [Samples];
    return {
      name,
      kind: [BY_KEY, ...PAGE_NAMES, ...LISTS].includes(name) ? "list" : "verb",
      p50Micros: samples.map(({ micros }) => round(median(micros))),
      serverMicros: medians(samples, "micros"),
      buffers: medians(samples, "buffers"),
      read: medians(samples, "read"),
      walBytes: medians(samples, "walBytes"),
      growth: samples.map((each) => ratio(each, smallest, random)),
      ...(LISTS.includes(name) && {
        toByKey: sites.map((site) => ratio(samplesOf(site, name), samplesOf(site, BY_KEY), random)),
      }),
    };
  });
}

function samplesOf({ caller, vmms }: MeasuredSite, name: string): Samples {
  const samples = caller.samples.get(name);
  if (samples === undefined) throw new Error(`${name} was not measured among ${vmms} VMMs`);
  return samples;
}

function medians(samples: readonly Samples[], what: keyof Effort): number[] {
  return samples.map(({ efforts }) => round(median(efforts.map((effort) => effort[what]))));
}

/** Paired by round. */
function ratio({ micros }: Samples, base: Samples, random: Random): Spread {
  const ratios = micros.map((each, at) => each / (base.micros[at] ?? Number.NaN));
  const { median, low, high } = spread(ratios, random);
  return { median: round(median), low: round(low), high: round(high) };
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
