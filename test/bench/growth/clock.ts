import type postgres from "postgres";
import { type Effort, explaining } from "./explained.js";
import type { Caller } from "./site.js";

/** What was measured of one verb or list in one database. */
export interface Samples {
  /** By the clock of the caller, for each round without EXPLAIN. */
  micros: number[];
  /** By EXPLAIN of the server, for each round with EXPLAIN. */
  efforts: Effort[];
}

/** What is so slow is measured less often. */
const BUDGET_MS = 20_000;

/** Measures calls in one database. */
export class Clock implements Caller {
  /** By what was called. */
  readonly samples = new Map<string, Samples>();
  /** Whether the next calls do not count. */
  isWarmingUp = false;
  /** Whether the next calls are explained instead of timed. */
  isExplaining = false;
  readonly #explaining: postgres.ISql;
  readonly #spent = new Map<string, number>();
  #effort: Effort | undefined;

  /** `sql` has one connection. */
  constructor(readonly sql: postgres.Sql) {
    this.#explaining = explaining(sql, (effort) => (this.#effort = effort));
  }

  async call<Answer>(
    what: string,
    act: (sql: postgres.ISql) => Promise<Answer>,
  ): Promise<Answer | undefined> {
    const started = process.hrtime.bigint();
    const answer = await act(this.isExplaining ? this.#explaining : this.sql);
    this.#add(what, Number(process.hrtime.bigint() - started) / 1_000);
    return this.isExplaining ? undefined : answer;
  }

  isSpent(what: string): boolean {
    const { micros, efforts } = this.#samplesOf(what);
    const isMeasured = this.isWarmingUp || (this.isExplaining ? efforts : micros).length > 0;
    return isMeasured && (this.#spent.get(what) ?? 0) > BUDGET_MS;
  }

  #add(what: string, elapsed: number): void {
    this.#spent.set(what, (this.#spent.get(what) ?? 0) + elapsed / 1_000);
    if (this.isWarmingUp) return;
    const { micros, efforts } = this.#samplesOf(what);
    if (!this.isExplaining) micros.push(elapsed);
    else if (this.#effort !== undefined) efforts.push(this.#effort);
  }

  #samplesOf(what: string): Samples {
    const samples = this.samples.get(what) ?? { micros: [], efforts: [] };
    this.samples.set(what, samples);
    return samples;
  }
}
