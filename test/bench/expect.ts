import { DOMParser, onErrorStopParsing } from "@xmldom/xmldom";
import { expect } from "vitest";

/** The largest plot that a page should have. */
const BYTES = 60_000;

/** Expects so many plots: well-formed, on a background of their own, small enough for a page, and without NaN. */
export function expectPlots(plots: ReadonlyMap<string, string>, count: number): void {
  expect(plots.size).toBe(count);
  for (const svg of plots.values()) {
    const parser = new DOMParser({ onError: onErrorStopParsing });
    expect(parser.parseFromString(svg, "image/svg+xml").documentElement?.tagName).toBe("svg");
    expect(svg).toContain("#ffffff");
    expect(svg).not.toMatch(/NaN|undefined/);
    expect(svg.length).toBeLessThan(BYTES);
  }
}

const COLUMNS = 80;

export function expectToFitTerminal(text: string): void {
  expect(text.split("\n").filter(({ length }) => length > COLUMNS)).toEqual([]);
}
