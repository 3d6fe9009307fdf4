/**
 * A stream of decisions (mulberry32). The same parts (seed, VM, step …) give the same stream, whatever other streams
 * were asked in between.
 */
export class Random {
  #state: number;

  constructor(...parts: readonly number[]) {
    this.#state = parts.reduce((state, part) => scramble(state ^ part), 0);
  }

  /** Returns a number from 0 up to, but not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Returns true with this probability: never for 0, always for 1. */
  happens(probability: number): boolean {
    return this.next() < probability;
  }

  /** Returns a whole number from 0 up to, but not including, `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.below(choices.length)] as T;
  }
}

/**
 * Mixes the bits of a number, by the finalizer of MurmurHash3.
 *
 * Neighbouring seeds and VMs get unlike streams.
 */
function scramble(part: number): number {
  let h = (part + 0x9e3779b9) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
