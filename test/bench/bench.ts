import { randomBytes } from "node:crypto";
import { migrate } from "../../src/schema/index.js";
import { Random } from "../../src/simulator/random.js";
import { copyDatabase, type TestDatabase } from "../support/copy.js";
import { adapters } from "./cases/adapters.js";
import { batches } from "./cases/batches.js";
import type { Case, Raced, Stage } from "./cases/case.js";
import { costs } from "./cases/costs.js";
import { manyWriters } from "./cases/many-writers.js";
import { migrationCycle } from "./cases/migration-cycle.js";
import { oneInstance } from "./cases/one-instance.js";
import { projectList } from "./cases/project-list.js";
import { reporterCase } from "./cases/reporter.js";
import { healthReports, transitions } from "./cases/reports.js";
import { sledReports } from "./cases/sleds.js";
import { startCycle } from "./cases/start-cycle.js";
import { unwoundStart } from "./cases/unwound-start.js";
import { workLists } from "./cases/work-lists.js";
import { writeAhead } from "./cases/write-ahead.js";
import { ABSENT, openAlternatives } from "./alternatives/all.js";
import { createFleets, type FleetSize } from "./fleet.js";
import { describeMachine } from "./machine.js";
import { judge } from "./targets.js";
import { p50, p99, rate, speedRatio } from "./measure.js";
import type { CaseResult, Results } from "./results.js";
import type { BenchServer } from "./server.js";

export interface Scale {
  size: FleetSize;
  writers: number;
  batches: number[];
  /** How many callers report at once. */
  callers: number[];
  /** How many VMMs the sleds have that report all at once. */
  sleds: number[];
  /** What the number of rounds of a full run is multiplied by. */
  effort: number;
}

export const FULL: Scale = {
  size: { rows: 20_000, lives: 100, listed: 100 },
  writers: 32,
  batches: [10, 100, 1_000],
  callers: [1, 8, 64, 512],
  sleds: [20, 50, 100],
  effort: 1,
};

export const QUICK: Scale = {
  size: { rows: 1_000, lives: 10, listed: 20 },
  writers: 8,
  batches: [10, 100],
  callers: [1, 64],
  sleds: [20],
  effort: 0.01,
};

export interface BenchOptions {
  scale: Scale;
  quick: boolean;
  seed: number;
  /** Told of each case when it is done. */
  onCase: (result: CaseResult) => void;
}

/** Runs all cases, in a database of their own. */
export async function runBench(server: BenchServer, options: BenchOptions): Promise<Results> {
  const name = `vmstate_bench_${randomBytes(6).toString("hex")}`;
  await using database = await copyDatabase({ serverUrl: server.url, name, template: "template0" });
  await migrate(database.url);
  const { quick, seed, scale } = options;
  const random = new Random(seed, 1);
  const cases = await raceAll(database, options);
  return {
    takenAt: new Date().toISOString(),
    quick,
    seed,
    rows: scale.size.rows,
    machine: await describeMachine(database.sql, server.label),
    absent: ABSENT,
    cases: cases.map((raced) => resultOf(raced, random)),
    targets: quick ? [] : judge(cases, random),
  };
}

function casesOf({ batches: sizes, callers, sleds }: Scale): Case[] {
  return [
    costs,
    healthReports,
    transitions,
    adapters,
    ...sizes.map(batches),
    ...callers.map(reporterCase),
    ...sleds.map(sledReports),
    startCycle,
    migrationCycle,
    unwoundStart,
    oneInstance,
    manyWriters,
    projectList,
    workLists,
    writeAhead,
  ];
}

async function raceAll(database: TestDatabase, options: BenchOptions): Promise<Raced[]> {
  const { scale, seed, onCase } = options;
  return await withStage(database, scale, new Random(seed, 2), async (stage) => {
    const cases: Raced[] = [];
    for (const each of casesOf(scale)) {
      const raced = await each(stage);
      cases.push(raced);
      onCase(resultOf(raced, new Random(seed, 3)));
    }
    return cases;
  });
}

/** Acts with rows in both schemas, and all alternatives connected. */
export async function withStage<T>(
  database: TestDatabase,
  { size, writers, effort }: Scale,
  random: Random,
  act: (stage: Stage) => Promise<T>,
): Promise<T> {
  const fleets = await createFleets(database.sql, size, random);
  await using narrow = await openAlternatives(database.url, 1);
  await using wide = await openAlternatives(database.url, writers);
  return await act({ ...fleets, narrow, wide, writers, effort, random, sql: database.sql });
}

function resultOf(raced: Raced, random: Random): CaseResult {
  const { id, title, unit, base, warmUp, rounds, connections, timed, counts } = raced;
  const baseTimed = timed.find(({ name }) => name === base);
  return {
    ...{ id, title, unit, base, warmUp, rounds, connections },
    entries: timed.map((each) => ({
      name: each.name,
      size: each.size,
      p50Micros: round(p50(each)),
      p99Micros: round(p99(each)),
      perSecond: round(rate(each)),
      ratio: baseTimed === undefined ? null : speedRatio(each, baseTimed, random),
      counts: counts.get(each.name) ?? {},
    })),
  };
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
