import type postgres from "postgres";
import { randomUUID } from "node:crypto";
import type { Pool } from "pg";
import { vmstate } from "../../../src/index.js";
import {
  type Answer,
  type Arguments,
  UnexpectedAnswer,
  type Verb,
} from "../../../src/simulator/checked-client.js";
import { calledVerb } from "../../support/called-verb.js";
import { type Isolation, transact } from "./connections.js";
import type { ExpectedErrors } from "./expected-errors.js";
import { type AcknowledgedWrites, outcomeOf } from "./acknowledged-writes.js";

/** Calls verbs until they are answered. */
export interface Client {
  ask: <V extends Verb>(verb: V, argument: Arguments<V>) => Promise<Answer<V>>;
}

export interface Connection {
  /** Repeats a statement until no fault interrupts it. */
  sql: postgres.ISql;
  /** The pool for transactions, which are repeated as a whole. */
  pool: Pool;
  isolation: Isolation;
  acknowledgedWrites: AcknowledgedWrites;
  expectedErrors: ExpectedErrors;
  /** The verbs that were called, by their names in SQL, after the isolation level. */
  called: { add: (call: string) => unknown };
}

export async function call<V extends Verb>(
  sql: postgres.ISql,
  verb: V,
  argument: Arguments<V>,
): Promise<Answer<V>> {
  const act = vmstate(sql)[verb] as (argument: Arguments<V>) => Promise<Answer<V>>;
  return await act(argument);
}

/** Makes each call in a transaction of its own and repeats a call without an answer, as most callers do. */
export class PlainClient implements Client {
  constructor(private readonly connection: Connection) {}

  async ask<V extends Verb>(verb: V, argument: Arguments<V>): Promise<Answer<V>> {
    const { sql, pool, isolation, acknowledgedWrites, expectedErrors, called } = this.connection;
    const act = (sql: postgres.ISql): Promise<Answer<V>> => call(sql, verb, argument);
    const isPlain = isolation === "read committed";
    const answer = await (isPlain ? act(sql) : expectedErrors.persist(() => transact(pool, isolation, act)));
    acknowledgedWrites.acknowledge(verb, argument, answer);
    called.add(`${isolation} ${calledVerb(verb, argument)}`);
    return answer;
  }
}

/**
 * Makes each call exactly once, whatever happens.
 *
 * When a call gets no answer, the client looks in a ledger whether the call was committed, and repeats the call only if
 * it was not. If it was, the client checks that a repetition is recognised as a replay.
 */
export class LedgerClient implements Client {
  constructor(private readonly connection: Connection) {}

  async ask<V extends Verb>(verb: V, argument: Arguments<V>): Promise<Answer<V>> {
    return await this.connection.expectedErrors.persist(() => this.#attempt(verb, argument));
  }

  /** @throws the fault when nothing was committed */
  async #attempt<V extends Verb>(verb: V, argument: Arguments<V>): Promise<Answer<V>> {
    const { pool, isolation, acknowledgedWrites, called } = this.connection;
    const line = randomUUID();
    let answer!: Answer<V>;
    try {
      const act = async (sql: postgres.ISql): Promise<void> => {
        answer = await call(sql, verb, argument);
        await sql`insert into faults.ledger (id) values (${line})`.raw();
      };
      await transact(pool, isolation, act);
    } catch (error) {
      if (!(await this.#isInLedger(line))) throw error;
      acknowledgedWrites.unheard++;
      await this.#replay(verb, argument, answer);
    }
    acknowledgedWrites.acknowledge(verb, argument, answer, line);
    called.add(`${isolation} ${calledVerb(verb, argument)}`);
    return answer;
  }

  /**
   * A SELECT is not enough: until the server has cleaned up after the killed process, others see its transaction neither
   * committed nor rolled back. An INSERT of the same line waits for that.
   */
  async #isInLedger(line: string): Promise<boolean> {
    const { sql } = this.connection;
    await sql`insert into faults.ledger (id, is_inquiry) values (${line}, true) on conflict do nothing`.raw();
    const found = await sql`select from faults.ledger where id = ${line} and not is_inquiry`.raw();
    return found.length > 0;
  }

  /** @throws UnexpectedAnswer when the repetition of a committed call is not recognised as a replay */
  async #replay<V extends Verb>(verb: V, argument: Arguments<V>, first: Answer<V>): Promise<void> {
    if (APPLIED_AGAIN.has(verb)) return;
    const second = [await call(this.connection.sql, verb, argument)].flat();
    const isReplay = [first]
      .flat()
      .every((row, n) => outcomeOf(row) !== "applied" || REPLAYED.has(outcomeOf(second[n])));
    if (!isReplay) throw new UnexpectedAnswer(verb, argument, JSON.stringify(second), "a replay");
  }
}

/** Verbs whose replay is applied: the holder of a lock takes it again, and a plan is explained again. */
const APPLIED_AGAIN = new Set<Verb>(["beginUpdate", "explainUpdate"]);

/** What a replay answers of what was applied; a sled that failed has nothing left to fail. */
const REPLAYED = new Set<string | undefined>(["unchanged", "stale", "terminal", undefined]);
