import type { Random } from "../../src/simulator/random.js";
import { ADAPTERS, bareOf } from "./cases/adapters.js";
import type { Raced } from "./cases/case.js";
import { GATHERED, SINGLE } from "./cases/reporter.js";
import { p50, type Spread, speedRatio, spread, type Timed } from "./measure.js";
import type { Target } from "./results.js";

const ORMS = ["Kysely", "Drizzle", "TypeORM update()"];

/** By the number of callers over one pool, how many times as fast as single calls the reporter has to be. */
const REPORTERS = [
  [1, 0.9],
  [64, 6],
  [512, 9],
] as const;

/** What the package promises of itself, next to what this run measured. */
export function judge(cases: readonly Raced[], random: Random): Target[] {
  const run = new Run(cases, random);
  const orm = run.fastest("start-cycle", ORMS);
  const bare = (base: string): Spread => run.speed("start-cycle", "bare statement", base);
  return [
    least("a report / bare statement", 0.95, run.speed("health-report", "vmstate", "bare statement")),
    least("a batch of 100 / one by one, VMs/s", 20, run.speed("batch-100", "vmstate", "vmstate, one by one")),
    least(
      "a batch of 100 / bare UPDATE FROM unnest",
      0.6,
      run.speed("batch-100", "vmstate", "bare statement"),
    ),
    ...REPORTERS.map(([callers, target]) =>
      least(
        `reporter / reportVmm, ${callers} caller${callers === 1 ? "" : "s"}`,
        target,
        run.speed(`reporter-${callers}`, GATHERED, SINGLE),
      ),
    ),
    ...ADAPTERS.map((name) =>
      least(`a report through ${name} / its bare query`, 0.9, run.speed("adapters", name, bareOf(name))),
    ),
    least(
      "a whole life / found/updated CTE",
      2,
      run.speed("start-cycle", "vmstate", "found/updated CTE"),
      bare("found/updated CTE"),
    ),
    least(
      "the same, both with the updater lock",
      2,
      run.speed("start-cycle", "vmstate, updater lock", "found/updated CTE"),
      bare("found/updated CTE"),
    ),
    least(`a whole life / the fastest ORM (${orm})`, 3, run.speed("start-cycle", "vmstate", orm), bare(orm)),
    least("HOT updates of health reports, %", 97, run.hot()),
    most("WAL of a health report / bare statement", 1.15, run.wal("vmstate", "bare statement")),
  ];
}

/** It has to measure so much. */
export function least(name: string, target: number, measured: Spread, limit?: Spread): Target {
  const reached = measured.median >= target;
  return { name, bound: "least", target, measured, reached, ...(limit && { limit: limit.median }) };
}

/** It may measure no more. */
export function most(name: string, target: number, measured: Spread): Target {
  return { name, bound: "most", target, measured, reached: measured.median <= target };
}

/** The cases of a run by their names. */
class Run {
  constructor(
    readonly cases: readonly Raced[],
    readonly random: Random,
  ) {}

  speed(id: string, name: string, base: string): Spread {
    return speedRatio(this.#timed(id, name), this.#timed(id, base), this.random);
  }

  fastest(id: string, names: readonly string[]): string {
    const timed = names.map((name) => this.#timed(id, name)).sort((a, b) => p50(a) - p50(b));
    return timed[0]?.name ?? "";
  }

  hot(): Spread {
    const percent = this.#case("wal").counts.get("vmstate")?.["hotPercent"] ?? Number.NaN;
    return { median: percent, low: percent, high: percent };
  }

  wal(name: string, base: string): Spread {
    const { samples } = this.#case("wal");
    const bases = samples.get(base) ?? [];
    const ratios = (samples.get(name) ?? []).map((bytes, round) => bytes / (bases[round] ?? Number.NaN));
    return spread(ratios, this.random);
  }

  #case(id: string): Raced {
    const raced = this.cases.find((each) => each.id === id);
    if (raced === undefined) throw new Error(`there is no case ${id}`);
    return raced;
  }

  #timed(id: string, name: string): Timed {
    const timed = this.#case(id).timed.find((each) => each.name === name);
    if (timed === undefined) throw new Error(`case ${id} has no ${name}`);
    return timed;
  }
}
