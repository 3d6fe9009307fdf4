import * as controlPlane from "../../../src/client/control-plane.js";
import { invariantViolations } from "../../../src/index.js";
import * as operator from "../../../src/client/operator.js";
import { Chance } from "../../../src/simulator/random.js";
import * as sledAgent from "../../../src/client/sled-agent.js";
import * as updateSaga from "../../../src/client/update-saga.js";
import type { TestDatabase } from "../../support/copy.js";
import { until } from "../../support/until.js";
import { Brawl } from "./random-writers.js";
import type { Connection } from "./retrying-clients.js";
import { type Isolation, newPool, untiring } from "./connections.js";
import { Faults } from "./expected-errors.js";
import { Journal, makeLedger } from "./acknowledged-writes.js";
import { Lives } from "./lifecycle-workload.js";
import type { Tally } from "./totals.js";

export interface LoadOptions {
  database: TestDatabase;
  tally: Tally;
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
const VERBS = Object.keys({ ...controlPlane, ...sledAgent, ...updateSaga, ...operator });
/** What the sessions of a load are called. */
export const LOAD = "chaos load";

/** Clients at work, and what they were told. */
export class Load {
  readonly faults: Faults;
  readonly #journal = new Journal();
  readonly #lives: Lives;
  readonly #brawl: Brawl;
  readonly #connections: readonly [Connection, ...Connection[]];
  readonly #called = new Set<string>();
  readonly #stop = new AbortController();
  #work: Promise<unknown> = Promise.resolve();

  private constructor(private readonly options: LoadOptions) {
    const { database, tally, seed, workers, isolations = ["read committed"] } = options;
    this.faults = new Faults(options.expected);
    this.#lives = new Lives(seed, tally);
    this.#brawl = new Brawl(options.instances ?? INSTANCES, tally);
    const pool = newPool(database.url, LOAD, 3 * workers);
    const sql = untiring(pool, this.faults);
    const { faults } = this;
    const journal = this.#journal;
    const called = this.#called;
    const connectionOf = (isolation: Isolation): Connection => ({
      sql,
      pool,
      isolation,
      journal,
      faults,
      called,
    });
    this.#connections = isolations.map(connectionOf) as [Connection, ...Connection[]];
  }

  /** Acts while clients are at work, lets the lives end that are under way, and checks for the last time. */
  static async during(options: LoadOptions, act: (load: Load) => Promise<void>): Promise<void> {
    const load = new Load(options);
    try {
      await load.#begin();
      await act(load);
      await load.#end();
      await load.#checkAll();
    } finally {
      await load.#end();
      await load.#connections[0].pool.end();
    }
  }

  /** Resolves after so many more acknowledged writes. */
  async progress(writes: number): Promise<void> {
    const goal = this.#journal.writes + writes;
    await until(`${writes} more writes are acknowledged`, () => this.#journal.writes >= goal);
  }

  /** The functions that were not yet called at one of the isolation levels. */
  uncalled(): string[] {
    const wanted = this.#connections.flatMap(({ isolation }) => VERBS.map((verb) => `${isolation} ${verb}`));
    return wanted.filter((each) => !this.#called.has(each));
  }

  /** Whether the database has what was acknowledged, and nothing that must not be; the work goes on. */
  async check(): Promise<void> {
    const { tally } = this.options;
    const [{ sql }] = this.#connections;
    for (const line of await this.#journal.missing(sql)) tally.lost.add(line);
    for (const row of await invariantViolations(sql)) tally.violations.add(JSON.stringify(row));
    await this.#brawl.settle(this.#connections[0]);
  }

  async #begin(): Promise<void> {
    const { database, seed, workers } = this.options;
    const { signal } = this.#stop;
    await makeLedger(database.sql);
    await this.#brawl.prepare(this.#connections[0]);
    const work = Array.from({ length: workers }, (_, n) => {
      const connection = this.#connections[n % this.#connections.length] ?? this.#connections[0];
      return [
        this.#lives.play(connection, signal),
        this.#brawl.fight(connection, new Chance(seed, n), signal),
      ];
    });
    this.#work = Promise.all(work.flat());
  }

  async #end(): Promise<void> {
    this.#stop.abort();
    await this.#work;
  }

  async #checkAll(): Promise<void> {
    const { tally } = this.options;
    await this.check();
    const { wrong, leftovers } = await this.#lives.check(this.#connections[0]);
    for (const line of [...wrong.first, ...leftovers.first]) tally.wrong.add(line);
    tally.acknowledged += this.#journal.writes;
    tally.interrupted += this.faults.interrupted;
    tally.unheard += this.#journal.unheard;
  }
}
