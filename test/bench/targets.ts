import type { Random } from "../../src/simulator/random.js";
import { ADAPTERS, bareOf } from "./cases/adapters.js";
import type { Raced } from "./cases/case.js";
import { GATHERED, SINGLE } from "./cases/reporter.js";
import { COMMITS, SETTLED } from "./cases/start-cycle.js";
import { p50, type Spread, speedRatio, spread, type Timed } from "./measure.js";
import type { Target } from "./results.js";

const ORMS = ["Kysely", "Drizzle", "TypeORM update()"];

/** By the number of callers over one pool, how many times as fast as single calls the reporter has to be. */
const REPORTERS = [
  [1, 0.9],
  [8, 2.5],
  [64, 6],
  [512, 9],
] as const;

/** By size, how fast a batch has to be, compared with a bare UPDATE of as many VMMs. */
const BATCHES = [
  [100, 0.85],
  [1_000, 0.8],
] as const;

/**
 * By its rival, how fast a life of five calls has to be: where a commit is quick, and where it takes 2 ms or more.
 *
 * A slow disk brings every ratio nearer to that of the commits, 7 to 5.
 */
const SETTLED_LIVES = [
  ["bare statement", 0.8, 0.9],
  ["found/updated CTE", 1.5, 1.7],
  ["Kysely", 2.4, 2.6],
] as const;
const SLOW_COMMIT_MICROS = 2_000;

/** Compares what this run measured with the targets of the project. */
export function judge(cases: readonly Raced[], random: Random): Target[] {
  const run = new Run(cases, random);
  const orm = run.fastest("start-cycle", ORMS);
  const bare = (base: string): Spread => run.speed("start-cycle", "bare statement", base);
  return [
    least("a report / bare statement", 0.85, run.speed("health-report", "vmstate", "bare statement")),
    ...BATCHES.map(([size, target]) =>
      least(
        `a batch of ${size} / bare UPDATE FROM unnest`,
        target,
        run.speed(`batch-${size}`, "vmstate", "bare statement"),
      ),
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
    most("commits of a life that ends by settle", 5, run.count("start-cycle", SETTLED, COMMITS)),
    ...SETTLED_LIVES.map(([base, quick, slow]) =>
      least(
        `a life with settle / ${base}`,
        run.commitMicros() < SLOW_COMMIT_MICROS ? quick : slow,
        run.speed("start-cycle", SETTLED, base),
      ),
    ),
    least(
      "32 writers on one VMM / bare statement",
      0.8,
      run.speed("one-instance", "vmstate", "bare statement"),
    ),
    least(
      "32 writers on many VMMs / bare statement",
      0.85,
      run.speed("many-writers", "vmstate", "bare statement"),
    ),
    least("HOT updates of health reports, %", 97, run.hot()),
    most("WAL of a health report / bare statement", 1, run.wal("vmstate", "bare statement")),
  ];
}

/** A target that the measured figure has to reach. */
export function least(name: string, target: number, measured: Spread, limit?: Spread): Target {
  const reached = measured.median >= target;
  return { name, bound: "least", target, measured, reached, ...(limit && { limit: limit.median }) };
}

/** A target that the measured figure may not exceed. */
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
    return this.count("wal", "vmstate", "hotPercent");
  }

  /** What was counted once, in no rounds. */
  count(id: string, name: string, what: string): Spread {
    const counted = this.#case(id).counts.get(name)?.[what] ?? Number.NaN;
    return { median: counted, low: counted, high: counted };
  }

  commitMicros(): number {
    return p50(this.#timed("costs", "empty commit"));
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
