import { expect, inject, it } from "vitest";
import { expectPlots, expectToFitTerminal } from "../expect.js";
import { targetsText } from "../print.js";
import { runBloat } from "./bloat.js";
import { judge } from "./judge.js";
import { plotsOf } from "./plots.js";
import { bloatText } from "./print.js";
import { bloatSchema } from "./results.js";

it("npm run bench:bloat: its results match their schema, fit 80 columns and have plots", async () => {
  const server = { label: "the tests'", url: inject("serverUrl"), stop: () => Promise.resolve() };
  const minutes: number[] = [];
  const onMinute = (minute: number): void => void minutes.push(minute);
  const options = { vmms: 500, minutes: 2, speedup: 10_000, quick: false, seed: 1, onMinute };
  const bloat = await runBloat(server, options);

  expect(bloatSchema.parse(JSON.parse(JSON.stringify(bloat, numbers)))).toMatchObject({
    reports: 400 * 12,
    lives: 60,
  });
  expect(minutes).toEqual([1, 2]);
  for (const series of [...Object.values(bloat.sizes), ...Object.values(bloat.dead)])
    expect(series).toHaveLength(3);
  expect(Object.keys(bloat.sizes)).toEqual(expect.arrayContaining(["vmm", "vmm_pkey", "migration"]));
  expectToFitTerminal(`${bloatText(bloat)}\n${targetsText(bloat.targets)}`);
  expectPlots(plotsOf(bloat), 1);
});

/** Two minutes have no tenth one to compare with. */
function numbers(_: string, value: unknown): unknown {
  return Number.isNaN(value) ? 0 : value;
}

it("a table, an index or the small indexes that grow miss their target", () => {
  const flat = Array.from({ length: 61 }, () => 1_000);
  const rising = flat.map((kib, minute) => kib + 10 * minute);
  const targets = judge({
    sizes: { vmm: flat, vmm_pkey: rising, vmm_unlinked: rising.map((kib) => kib / 100) },
    dead: {},
    autovacuums: {},
    hotPercent: { vmm: 99 },
  });
  expect(targets.map(({ name, reached }) => [name.split(",")[0], reached])).toEqual([
    ["all tables and indexes", false],
    ["vmm", true],
    ["vmm_pkey", false],
    ["HOT updates of VMMs", true],
  ]);
});
