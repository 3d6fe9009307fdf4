import { expect, inject, it } from "vitest";
import { Random } from "../../src/simulator/random.js";
import { createDatabase } from "../support/database.js";
import { runBench, type Scale, withStage } from "./bench.js";
import { batches } from "./cases/batches.js";
import type { Case } from "./cases/case.js";
import { manyWriters } from "./cases/many-writers.js";
import { migrationCycle } from "./cases/migration-cycle.js";
import { oneInstance } from "./cases/one-instance.js";
import { projectList } from "./cases/project-list.js";
import { healthReports, transitions } from "./cases/reports.js";
import { startCycle } from "./cases/start-cycle.js";
import { unwoundStart } from "./cases/unwound-start.js";
import { writeAhead } from "./cases/write-ahead.js";
import type { Alternative } from "./alternatives/alternative.js";
import { expectPlots, expectToFitTerminal } from "./expect.js";
import { race, speedRatio, spread } from "./measure.js";
import { plotsOf } from "./plots/plots.js";
import { caseText, machineText, targetsText } from "./print.js";
import { type CaseResult, resultsSchema } from "./results.js";

const TINY: Scale = {
  size: { rows: 120, lives: 5, listed: 5 },
  writers: 3,
  batches: [10, 100, 1_000],
  callers: [1, 8, 64, 512],
  sleds: [20],
  effort: 0.001,
};

it("npm run bench: its results match their schema, fit 80 columns and have plots", async () => {
  const told: CaseResult[] = [];
  const server = { label: "the tests'", url: inject("serverUrl"), stop: () => Promise.resolve() };
  const options = {
    scale: TINY,
    quick: false,
    seed: 1,
    onCase: (result: CaseResult) => void told.push(result),
  };
  const results = await runBench(server, options);

  expect(resultsSchema.parse(JSON.parse(JSON.stringify(results)))).toEqual(results);
  expect(told.map(({ id }) => id)).toEqual(results.cases.map(({ id }) => id));
  expect(results.targets).toHaveLength(23);
  const commits = results.targets.find(({ name }) => name.startsWith("commits of a life"));
  // The tests of other files write on this server, too.
  expect(commits?.measured.median).toBeGreaterThanOrEqual(5);
  expect(results.machine.settings).toHaveProperty("fsync");

  const text = [
    machineText(results.machine, results),
    ...told.map(caseText),
    targetsText(results.targets),
  ].join("\n");
  expectToFitTerminal(text);
  expectPlots(plotsOf(results), 6);
});

/** An alternative that writes nothing and claims to have written everything. */
const idler: Alternative = {
  name: "idler",
  schema: "bench_plain",
  report: ({ generation }) => Promise.resolve({ applied: true, generation }),
  reports: ({ length }) => Promise.resolve(length),
  lifecycle: {
    start: () => Promise.resolve(),
    unwindStart: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    update: () => Promise.resolve(),
    deleteVmm: () => Promise.resolve(),
    beginMigration: () => Promise.resolve(),
  },
  listProject: () => Promise.resolve([]),
};

const caught: [string, Case, RegExp][] = [
  ["a health report", healthReports, /not as last reported/],
  ["a transition", transitions, /not as last reported/],
  ["a batch", batches(10), /not as last reported/],
  ["a start cycle", startCycle, /VMMs are deleted, it should be/],
  ["a migration", migrationCycle, /VMMs are deleted, it should be/],
  ["an unwound start", unwoundStart, /VMMs are deleted, it should be/],
  ["one instance", oneInstance, /no report was stored/],
  ["many writers", manyWriters, /not as last reported/],
  ["a project's list", projectList, /idler shows another list/],
  ["WAL", writeAhead, /not as last reported/],
];

/** The rows of these pass from one alternative of a schema to the next, which would notice itself. */
const LIVES = [migrationCycle, unwoundStart];

it.each(caught)("an alternative that does nothing is found: %s", async (_, each, complaint) => {
  await using database = await createDatabase();
  const run = withStage(database, TINY, new Random(1), (stage) => {
    const rivals = LIVES.includes(each) ? ["vmstate"] : ["vmstate", "bare statement"];
    const all = [...stage.narrow.all.filter(({ name }) => rivals.includes(name)), idler];
    return each({ ...stage, narrow: { ...stage.narrow, all }, wide: { ...stage.wide, all } });
  });
  await expect(run).rejects.toThrow(complaint);
});

it("a round calls each alternative once, in random order; warm-up rounds are not measured", async () => {
  const order: string[] = [];
  const entries = ["a", "b", "c"].map((name) => ({
    name,
    size: 1,
    call: () => Promise.resolve(order.push(name)),
  }));
  const timed = await race(entries, { warmUp: 2, rounds: 20, random: new Random(1) });
  expect(timed.map(({ micros }) => micros.length)).toEqual([20, 20, 20]);
  const rounds = Array.from({ length: 22 }, (_, round) => order.slice(3 * round, 3 * round + 3).join(""));
  for (const round of rounds) expect(round).toMatch(/^(?!.*(.).*\1)[abc]{3}$/);
  expect(new Set(rounds).size).toBeGreaterThan(1);
});

it("a ratio compares measurements of the same round, per unit, and its interval includes the median", () => {
  const base = { name: "base", size: 1, micros: [100, 200, 1_000] };
  const twice = { name: "twice", size: 10, micros: [500, 1_000, 5_000] };
  expect(speedRatio(twice, base, new Random(1))).toEqual({ median: 2, low: 2, high: 2 });
  const { median, low, high } = spread([1, 2, 3, 4, 100], new Random(1));
  expect(median).toBe(3);
  expect(low).toBeLessThan(3);
  expect(high).toBeGreaterThan(3);
});
