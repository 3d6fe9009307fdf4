import { acts } from "../../../src/simulator/steps/lifecycle.js";
import { type Answer, type Arguments, Caller, type Verb } from "../../../src/simulator/checked-client.js";
import { Chance } from "../../../src/simulator/random.js";
import { check, type Findings } from "../../../src/simulator/check.js";
import { Life, stepsOf } from "../../../src/simulator/lifetime.js";
import { Meter } from "../../../src/simulator/call-stats.js";
import { Post } from "../../../src/simulator/late-reports.js";
import { Scene } from "../../../src/simulator/step-context.js";
import { World } from "../../../src/simulator/ids.js";
import { type Connection, LedgerClient } from "./retrying-clients.js";
import type { Tally } from "./totals.js";

const RATES = { failRate: 0.3, migrateRate: 0.5 };
const PROJECT = 1;
const CHECKERS = 4;

/** The callers that play lives expect of each answer what it must be, so each call has to be made exactly once. */
class ExactCaller extends Caller {
  readonly #client: LedgerClient;

  constructor(connection: Connection) {
    super(connection.sql, new Meter());
    this.#client = new LedgerClient(connection);
  }

  override async ask<V extends Verb>(verb: V, argument: Arguments<V>): Promise<Answer<V>> {
    return await this.#client.ask(verb, argument);
  }
}

/** Whole lives of VMs, one after the other for each player; nobody else writes their rows. */
export class Lives {
  readonly #world = new World();
  /** Of each life, by index. */
  readonly #endsRunning: boolean[] = [];

  constructor(
    private readonly seed: number,
    private readonly tally: Tally,
  ) {}

  /** Plays until it is told to stop, and ends the life under way. */
  async play(connection: Connection, signal: AbortSignal): Promise<void> {
    const caller = new ExactCaller(connection);
    while (!signal.aborted) await this.#playOne(caller);
  }

  /** Looks at what has become of them. */
  async check(connection: Connection): Promise<Findings> {
    return await check(new ExactCaller(connection), this.#world, CHECKERS, this.#endsRunning);
  }

  async #playOne(caller: Caller): Promise<void> {
    const index = this.#endsRunning.length;
    const chance = new Chance(this.seed, index);
    const lifetime = chance.happens(0.2) ? undefined : 1;
    this.#endsRunning.push(lifetime === undefined);
    const steps = stepsOf({ arrival: 0, batch: PROJECT, lifetime }, chance, RATES);
    const life = new Life(index, this.#world.instanceId(index), this.#world.projectId(PROJECT), steps);
    const post = new Post(caller);
    try {
      for (const { kind } of steps)
        await acts[kind](new Scene(life, chance, caller, post, this.#world, RATES));
      await post.deliver();
    } catch (error) {
      this.tally.wrong.add(String(error));
    }
  }
}
