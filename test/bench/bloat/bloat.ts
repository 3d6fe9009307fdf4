import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type postgres from "postgres";
import { sample } from "simple-statistics";
import { reportVmms } from "../../../src/index.js";
import { migrate } from "../../../src/schema/index.js";
import { Random } from "../../../src/simulator/random.js";
import { copyDatabase } from "../../support/copy.js";
import { next } from "../fleet.js";
import { loadPopulation, requireSound, type Sled } from "../growth/population.js";
import { describeMachine } from "../machine.js";
import type { BenchServer } from "../server.js";
import { judge } from "./judge.js";
import { migrate as move, purge, replace, type Replacement, restart } from "./lives.js";
import type { Bloat } from "./results.js";
import { type Sample, takeSample } from "./sample.js";

/** Seconds between two reports of a VMM. */
const REPORT_EVERY = 10;
const ROUNDS_A_MINUTE = 60 / REPORT_EVERY;
const WRITERS = 4;
/** What happens in each round, so that every fifth VMM is replaced within an hour. */
const REPLACEMENTS: readonly Replacement[] = [restart, restart, restart, replace, move];

export interface BloatOptions {
  /** Rows of the table of VMMs, of which 80 of 100 run. */
  vmms: number;
  /** How many minutes of reports to play. */
  minutes: number;
  /** How many times as fast as life. */
  speedup: number;
  quick: boolean;
  seed: number;
  /** Told of each minute. */
  onMinute?: (minute: number) => void;
  /** What to change in the database before anything is loaded. */
  prepare?: (sql: postgres.Sql) => Promise<unknown>;
}

/** Plays minutes of reports of every VMM, while some instances come and go, in less time. */
export async function runBloat(server: BenchServer, options: BloatOptions): Promise<Bloat> {
  const { vmms, minutes, speedup, quick, seed, prepare } = options;
  const name = `vmstate_bloat_${randomBytes(6).toString("hex")}`;
  await using database = await copyDatabase({ serverUrl: server.url, name, template: "template0" });
  await migrate(database.url);
  await prepare?.(database.sql);
  const population = await loadPopulation(database.sql, { vmms, seed });
  const sleds = population.sleds();
  const writers = database.connect({ max: WRITERS });
  const traffic = new Traffic(writers, sleds, new Random(seed, 1));
  const started = performance.now();
  const samples = await traffic.play(options);
  const seconds = (performance.now() - started) / 1_000;
  await requireSound(database.sql);
  const series = seriesOf(samples);
  return {
    takenAt: new Date().toISOString(),
    quick,
    seed,
    machine: await describeMachine(database.sql, server.label),
    vmms: sleds.reduce((sum, { vmms: { length } }) => sum + length, 0),
    minutes,
    speedup,
    measuredSpeedup: Number(((60 * minutes) / seconds).toPrecision(3)),
    reports: traffic.reports,
    lives: traffic.lives,
    ...series,
    targets: quick ? [] : judge(series),
  };
}

/** The reports of all sleds, and the instances that come and go meanwhile. */
class Traffic {
  reports = 0;
  lives = 0;

  constructor(
    readonly sql: postgres.Sql,
    readonly sleds: readonly Sled[],
    readonly random: Random,
  ) {}

  /** Plays the minutes; returns a sample of each, and one from before. */
  async play({ minutes, speedup, onMinute }: BloatOptions): Promise<Sample[]> {
    const samples = [await takeSample(this.sql)];
    const started = performance.now();
    for (let round = 1; round <= minutes * ROUNDS_A_MINUTE; round++) {
      await this.#report();
      await this.#live();
      await sleep(Math.max(0, started + (round * REPORT_EVERY * 1_000) / speedup - performance.now()));
      if (round % ROUNDS_A_MINUTE !== 0) continue;
      await purge(this.sql);
      samples.push(await takeSample(this.sql));
      onMinute?.(round / ROUNDS_A_MINUTE);
    }
    return samples;
  }

  /** Lets every sled report all its VMMs. */
  async #report(): Promise<void> {
    const sleds = this.sleds.values();
    const write = async (): Promise<void> => {
      for (const { vmms } of sleds) {
        const answers = await reportVmms(
          this.sql,
          vmms.map((vmm) => next(vmm, "running")),
        );
        const { length } = answers.filter(({ vmmOutcome }) => vmmOutcome === "applied");
        if (length !== vmms.length) throw new Error("a report was not applied");
        this.reports += length;
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, write));
  }

  async #live(): Promise<void> {
    for (const replacement of REPLACEMENTS) {
      const [sled, other] = sample([...this.sleds], 2, () => this.random.next());
      const place = this.random.below(sled?.vmms.length ?? 0);
      const vmm = sled?.vmms[place];
      if (sled === undefined || other === undefined || vmm === undefined) throw new Error("there is no VMM");
      const successor = await replacement(this.sql, vmm, sled.sledId, other.sledId);
      if (replacement === move) {
        sled.vmms.splice(place, 1);
        other.vmms.push(successor);
      } else sled.vmms[place] = successor;
      this.lives++;
    }
  }
}

export type Series = Pick<Bloat, "sizes" | "dead" | "autovacuums" | "hotPercent">;

function seriesOf(samples: readonly Sample[]): Series {
  const [first] = samples;
  const last = samples.at(-1);
  if (first === undefined || last === undefined) throw new Error("there are no samples");
  const tables = [...last.tables.keys()];
  const named = <T>(names: Iterable<string>, of: (name: string) => T): Record<string, T> =>
    Object.fromEntries([...names].map((name) => [name, of(name)]));
  const rise = (name: string, what: "updates" | "hotUpdates" | "autovacuums"): number =>
    (last.tables.get(name)?.[what] ?? 0) - (first.tables.get(name)?.[what] ?? 0);
  return {
    sizes: named(last.sizes.keys(), (name) => samples.map(({ sizes }) => sizes.get(name) ?? 0)),
    dead: named(tables, (name) => samples.map(({ tables }) => tables.get(name)?.dead ?? 0)),
    autovacuums: named(tables, (name) => rise(name, "autovacuums")),
    hotPercent: named(tables, (name) =>
      Number(((100 * rise(name, "hotUpdates")) / Math.max(1, rise(name, "updates"))).toFixed(2)),
    ),
  };
}
