import { median, quantile, sampleWithReplacement, shuffle } from "simple-statistics";
import type { Random } from "../../src/simulator/random.js";

/** One call of an alternative, which handles `size` units (VMMs, cycles …). */
export interface Entry {
  name: string;
  size: number;
  call: () => Promise<unknown>;
}

/** How long each round of an alternative took. */
export interface Timed {
  name: string;
  size: number;
  micros: number[];
}

export interface Rounds {
  warmUp: number;
  rounds: number;
  random: Random;
}

/**
 * Calls every alternative once in each round, in an order that changes from round to round.
 *
 * So whatever else the machine does slows all alternatives alike.
 */
export async function race(entries: readonly Entry[], { warmUp, rounds, random }: Rounds): Promise<Timed[]> {
  const timed = entries.map(({ name, size }) => ({ name, size, micros: [] as number[] }));
  for (let round = -warmUp; round < rounds; round++) {
    for (const at of shuffle([...entries.keys()], () => random.next())) {
      const started = process.hrtime.bigint();
      await entries[at]?.call();
      const micros = Number(process.hrtime.bigint() - started) / 1_000;
      if (round >= 0) timed[at]?.micros.push(micros);
    }
  }
  return timed;
}

export function p50({ micros }: Timed): number {
  return median(micros);
}

export function p99({ micros }: Timed): number {
  return quantile(micros, 0.99);
}

/** Units per second in the median round. */
export function rate(timed: Timed): number {
  return (timed.size * 1e6) / p50(timed);
}

/** A median, and where it would be in 95 of 100 such runs. */
export interface Spread {
  median: number;
  low: number;
  high: number;
}

const RESAMPLES = 400;

/**
 * Computes how many times as fast as `base` an entry is, per unit.
 *
 * Compares each round of one with the same round of the other, and returns the median with a bootstrap interval.
 */
export function speedRatio(timed: Timed, base: Timed, random: Random): Spread {
  const perUnit = ({ micros, size }: Timed): number[] => micros.map((each) => each / size);
  const bases = perUnit(base);
  return spread(
    perUnit(timed).map((each, round) => (bases[round] ?? Number.NaN) / each),
    random,
  );
}

/** The median of samples, with a bootstrap interval. */
export function spread(samples: number[], random: Random): Spread {
  const medians = Array.from({ length: RESAMPLES }, () =>
    median(sampleWithReplacement(samples, samples.length, () => random.next())),
  );
  return { median: median(samples), low: quantile(medians, 0.025), high: quantile(medians, 0.975) };
}
