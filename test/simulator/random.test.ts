import { describe, expect, it } from "vitest";
import { Random } from "../../src/simulator/random.js";

const streamOf = (...parts: number[]): number[] => {
  const random = new Random(...parts);
  return Array.from({ length: 1000 }, () => random.next());
};

describe("Random", () => {
  it("repeats its numbers for the same seeds, and not for others", () => {
    expect(streamOf(1, 2, 3)).toEqual(streamOf(1, 2, 3));
    const others = [streamOf(1, 2, 4), streamOf(1, 3, 2), streamOf(2, 2, 3)];
    for (const other of others) expect(other[0]).not.toBe(streamOf(1, 2, 3)[0]);
  });

  it("is evenly distributed, within a stream and across neighbouring streams", () => {
    const across = Array.from({ length: 1000 }, (_, n) => new Random(5, n).next());
    for (const numbers of [streamOf(5), across]) {
      const tenths = Array.from(
        { length: 10 },
        (_, n) => numbers.filter((x) => Math.floor(x * 10) === n).length,
      );
      expect(Math.min(...tenths)).toBeGreaterThan(60);
      expect(Math.max(...tenths)).toBeLessThan(140);
    }
  });

  it("happens never for 0 and always for 1", () => {
    const random = new Random(1);
    const tries = Array.from({ length: 1000 });
    expect(tries.some(() => random.happens(0))).toBe(false);
    expect(tries.every(() => random.happens(1))).toBe(true);
  });

  it("picks each choice", () => {
    const random = new Random(1);
    const picked = new Set(Array.from({ length: 100 }, () => random.pick(["a", "b", "c"])));
    expect([...picked].sort()).toEqual(["a", "b", "c"]);
  });
});
