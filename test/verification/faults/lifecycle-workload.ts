import { lifecycleSteps } from "../../../src/simulator/steps/lifecycle.js";
import {
  type Answer,
  type Arguments,
  CheckedClient,
  type Verb,
} from "../../../src/simulator/checked-client.js";
import { Random } from "../../../src/simulator/random.js";
import { check, type Findings } from "../../../src/simulator/check.js";
import { Lifetime, stepsOf } from "../../../src/simulator/lifetime.js";
import { CallStats } from "../../../src/simulator/call-stats.js";
import { LateReports } from "../../../src/simulator/late-reports.js";
import { StepContext } from "../../../src/simulator/step-context.js";
import { Ids } from "../../../src/simulator/ids.js";
import { type Connection, LedgerClient } from "./retrying-clients.js";
import type { Totals } from "./totals.js";

const RATES = { failRate: 0.3, migrateRate: 0.5 };
const PROJECT = 1;
const CHECKERS = 4;

/**
 * Makes each call exactly once, whatever fault interrupts it.
 *
 * A lifecycle knows what each first answer must be, and the answer to a replay would be another.
 */
class ExactClient extends CheckedClient {
  readonly #client: LedgerClient;

  constructor(connection: Connection) {
    super(connection.sql, new CallStats());
    this.#client = new LedgerClient(connection);
  }

  override async ask<V extends Verb>(verb: V, argument: Arguments<V>): Promise<Answer<V>> {
    return await this.#client.ask(verb, argument);
  }
}

/** Plays whole lifecycles of VMs, one after the other for each client; no other client writes their rows. */
export class LifecycleWorkload {
  readonly #ids = new Ids();
  /** By index of the lifecycle, whether its VM runs at the end. */
  readonly #endsRunning: boolean[] = [];

  constructor(
    private readonly seed: number,
    private readonly totals: Totals,
  ) {}

  /** Plays until the signal, and then ends the lifecycle that was begun. */
  async play(connection: Connection, signal: AbortSignal): Promise<void> {
    const client = new ExactClient(connection);
    while (!signal.aborted) await this.#playOne(client);
  }

  /** Checks the state in which the lifecycles left their VMs. */
  async check(connection: Connection): Promise<Findings> {
    return await check(new ExactClient(connection), this.#ids, CHECKERS, this.#endsRunning);
  }

  async #playOne(client: CheckedClient): Promise<void> {
    const index = this.#endsRunning.length;
    const random = new Random(this.seed, index);
    const duration = random.happens(0.2) ? undefined : 1;
    this.#endsRunning.push(duration === undefined);
    const steps = stepsOf({ arrival: 0, batch: PROJECT, duration }, random, RATES);
    const lifetime = new Lifetime(index, this.#ids.instanceId(index), this.#ids.projectId(PROJECT), steps);
    const lateReports = new LateReports(client);
    try {
      for (const { kind } of steps)
        await lifecycleSteps[kind](new StepContext(lifetime, random, client, lateReports, this.#ids, RATES));
      await lateReports.deliver();
    } catch (error) {
      this.totals.wrong.add(String(error));
    }
  }
}
