import { invariantViolations } from "../../../src/index.js";
import { Random } from "../../../src/simulator/random.js";
import type { TestDatabase } from "../../support/copy.js";
import { until } from "../../support/until.js";
import { forgottenVerbs, snakeCase } from "../../support/verbs.js";
import { RandomWriters } from "./random-writers.js";
import type { Connection } from "./retrying-clients.js";
import { type Isolation, newPool, untiring } from "./connections.js";
import { ExpectedErrors } from "./expected-errors.js";
import { AcknowledgedWrites, makeLedger } from "./acknowledged-writes.js";
import { LifecycleWorkload } from "./lifecycle-workload.js";
import type { Totals } from "./totals.js";

export interface WorkloadOptions {
  database: TestDatabase;
  totals: Totals;
  seed: number;
  /** Of each kind: those who play whole lives alone, and those who all write the same instances. */
  workers: number;
  /** Error codes that the faults of this run may bring. */
  expected: readonly string[];
  /** How many they fight over. */
  instances?: number;
  /** One worker after the other takes the next. */
  isolations?: readonly [Isolation, ...Isolation[]];
}

const INSTANCES = 6;
export const PLACE = "test/verification/faults/random-writers.ts";
/** What the sessions of a load are called. */
export const WORKLOAD_NAME = "faults load";

/** Clients at work, and what they were told. */
export class Workload {
  readonly expectedErrors: ExpectedErrors;
  readonly #acknowledgedWrites = new AcknowledgedWrites();
  readonly #lifecycles: LifecycleWorkload;
  readonly #randomWriters: RandomWriters;
  readonly #connections: readonly [Connection, ...Connection[]];
  readonly #called = new Set<string>();
  readonly #stop = new AbortController();
  #work: Promise<unknown> = Promise.resolve();

  private constructor(private readonly options: WorkloadOptions) {
    const { database, totals, seed, workers, isolations = ["read committed"] } = options;
    this.expectedErrors = new ExpectedErrors(options.expected);
    this.#lifecycles = new LifecycleWorkload(seed, totals);
    this.#randomWriters = new RandomWriters(options.instances ?? INSTANCES, totals);
    const pool = newPool(database.url, WORKLOAD_NAME, 3 * workers);
    const sql = untiring(pool, this.expectedErrors);
    const { expectedErrors } = this;
    const acknowledgedWrites = this.#acknowledgedWrites;
    const called = this.#called;
    const connectionOf = (isolation: Isolation): Connection => ({
      sql,
      pool,
      isolation,
      acknowledgedWrites,
      expectedErrors,
      called,
    });
    this.#connections = isolations.map(connectionOf) as [Connection, ...Connection[]];
  }

  /** Acts while clients are at work, lets the lives end that are under way, and checks for the last time. */
  static async during(options: WorkloadOptions, act: (workload: Workload) => Promise<void>): Promise<void> {
    const workload = new Workload(options);
    try {
      await workload.#begin();
      await act(workload);
      await workload.#end();
      await workload.#checkAll();
    } finally {
      await workload.#end();
      await workload.#connections[0].pool.end();
    }
  }

  /** Resolves after so many more acknowledged writes. */
  async progress(writes: number): Promise<void> {
    const goal = this.#acknowledgedWrites.writes + writes;
    await until(`${writes} more writes are acknowledged`, () => this.#acknowledgedWrites.writes >= goal);
  }

  /** The functions that were called at every isolation level so far, by their names in SQL. */
  called(): string[] {
    const names = new Set([...this.#called].map((each) => each.slice(each.lastIndexOf(" ") + 1)));
    const isCalled = (name: string): boolean =>
      this.#connections.every(({ isolation }) => this.#called.has(`${isolation} ${name}`));
    return [...names].filter(isCalled).map(snakeCase);
  }

  /** The verbs that were not yet called at one of the isolation levels. */
  async uncalled(): Promise<string[]> {
    return await forgottenVerbs(this.options.database.sql, PLACE, this.called());
  }

  /** Whether the database has what was acknowledged, and nothing that must not be; the work goes on. */
  async check(): Promise<void> {
    const { totals } = this.options;
    const [{ sql }] = this.#connections;
    for (const line of await this.#acknowledgedWrites.missing(sql)) totals.lost.add(line);
    for (const row of await invariantViolations(sql)) totals.violations.add(JSON.stringify(row));
    await this.#randomWriters.settle(this.#connections[0]);
  }

  async #begin(): Promise<void> {
    const { database, seed, workers } = this.options;
    const { signal } = this.#stop;
    await makeLedger(database.sql);
    await this.#randomWriters.prepare(this.#connections[0]);
    const work = Array.from({ length: workers }, (_, n) => {
      const connection = this.#connections[n % this.#connections.length] ?? this.#connections[0];
      return [
        this.#lifecycles.play(connection, signal),
        this.#randomWriters.write(connection, new Random(seed, n), signal),
      ];
    });
    this.#work = Promise.all(work.flat());
  }

  async #end(): Promise<void> {
    this.#stop.abort();
    await this.#work;
  }

  async #checkAll(): Promise<void> {
    const { totals } = this.options;
    await this.check();
    const { wrong, leftovers } = await this.#lifecycles.check(this.#connections[0]);
    for (const line of [...wrong.first, ...leftovers.first]) totals.wrong.add(line);
    totals.acknowledged += this.#acknowledgedWrites.writes;
    totals.interrupted += this.expectedErrors.interrupted;
    totals.unheard += this.#acknowledgedWrites.unheard;
  }
}
