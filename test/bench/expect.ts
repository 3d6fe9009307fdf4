import { DOMParser, onErrorStopParsing } from "@xmldom/xmldom";
import { expect } from "vitest";

const BYTES = 60_000;

/** Well-formed, legible on any page, no larger than a page should load, and without what is no number. */
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
