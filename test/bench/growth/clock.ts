import type postgres from "postgres";
import type { SqlClient } from "../../../src/index.js";
import { type Effort, explaining } from "./explained.js";
import type { Caller } from "./site.js";

/** What was measured of one verb in one database. */
export interface Samples {
  /** As the caller sees it, one for each round that was not explained. */
  micros: number[];
  /** As the server sees it, one for each round that was. */
  efforts: Effort[];
}

/** Measures calls in one database. */
export class Clock implements Caller {
  /** By what was measured, in the order of its first call. */
  readonly samples = new Map<string, Samples>();
  /** Whether the next calls are explained instead of timed. */
  isExplaining = false;
  readonly #explaining: SqlClient;
  #efforts: Effort[] = [];

  /** `sql` has one connection. */
  constructor(readonly sql: postgres.Sql) {
    this.#explaining = explaining(sql, (effort) => this.#efforts.push(effort));
  }

  /** The answer, of which there is none when the call was explained. */
  async call<Answer>(what: string, act: (sql: SqlClient) => Promise<Answer>): Promise<Answer | undefined> {
    const { micros, efforts } = this.samples.get(what) ?? { micros: [], efforts: [] };
    this.samples.set(what, { micros, efforts });
    if (this.isExplaining) {
      this.#efforts = efforts;
      await act(this.#explaining);
      return undefined;
    }
    const started = process.hrtime.bigint();
    const answer = await act(this.sql);
    micros.push(Number(process.hrtime.bigint() - started) / 1_000);
    return answer;
  }

  /** What was measured so far was the warm-up. */
  forget(): void {
    this.samples.clear();
  }
}
