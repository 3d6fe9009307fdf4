import { invariantViolations } from "../../../src/index.js";
import { Random } from "../../../src/simulator/random.js";
import type { TestDatabase } from "../../support/copy.js";
import { until } from "../../support/until.js";
import { forgottenVerbs } from "../../support/verbs.js";
import { RandomWriters } from "./random-writers.js";
import type { Connection } from "./retrying-clients.js";
import { type Isolation, newPool, repeating } from "./connections.js";
import { ExpectedErrors } from "./expected-errors.js";
import { AcknowledgedWrites, makeLedger } from "./acknowledged-writes.js";
import { LifecycleWorkload } from "./lifecycle-workload.js";
import type { Totals } from "./totals.js";

export interface WorkloadOptions {
  database: TestDatabase;
  totals: Totals;
  seed: number;
  /** The number of workers of each kind: some play a whole lifecycle alone, the others all write the same instances. */
  workers: number;
  /** Error codes that the faults of this run may bring. */
  expected: readonly string[];
  /** The number of instances that all random writers write. */
  instances?: number;
  /** The isolation levels, which the workers take in turn. */
  isolations?: readonly [Isolation, ...Isolation[]];
}

const INSTANCES = 6;
export const PLACE = "test/verification/faults/random-writers.ts";
/** The application_name of the sessions of a workload. */
export const WORKLOAD_NAME = "faults load";

/** Clients that call verbs, and the writes that were acknowledged to them. */
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
    const sql = repeating(pool, this.expectedErrors);
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

  /** Runs `act` while clients call verbs, lets the lifecycles that were begun end, and checks the database. */
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

  /** The verbs that were called at every isolation level so far, by their names in SQL. */
  called(): string[] {
    const names = new Set([...this.#called].map((each) => each.slice(each.lastIndexOf(" ") + 1)));
    const isCalled = (name: string): boolean =>
      this.#connections.every(({ isolation }) => this.#called.has(`${isolation} ${name}`));
    return [...names].filter(isCalled);
  }

  /** The verbs that were not yet called at one of the isolation levels. */
  async uncalled(): Promise<string[]> {
    return await forgottenVerbs(this.options.database.sql, PLACE, this.called());
  }

  /** Checks that every acknowledged write is there and no invariant is violated, while the clients go on. */
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
    const { wrongEndStates, leftovers } = await this.#lifecycles.check(this.#connections[0]);
    for (const line of [...wrongEndStates.first, ...leftovers.first]) totals.wrong.add(line);
    totals.acknowledged += this.#acknowledgedWrites.writes;
    totals.interrupted += this.expectedErrors.interrupted;
    totals.unheard += this.#acknowledgedWrites.unheard;
  }
}
