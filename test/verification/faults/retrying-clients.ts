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
import { type Isolation, transact } from "./connections.js";
import type { ExpectedErrors } from "./expected-errors.js";
import { type AcknowledgedWrites, outcomeOf } from "./acknowledged-writes.js";

/** Calls verbs until they are answered. */
export interface Client {
  ask: <V extends Verb>(verb: V, argument: Arguments<V>) => Promise<Answer<V>>;
}

export interface Connection {
  /** Untiring. */
  sql: postgres.ISql;
  /** For transactions. */
  pool: Pool;
  isolation: Isolation;
  acknowledgedWrites: AcknowledgedWrites;
  expectedErrors: ExpectedErrors;
  /** The functions that were called, with the isolation level. */
  called: Set<string>;
}

export async function call<V extends Verb>(
  sql: postgres.ISql,
  verb: V,
  argument: Arguments<V>,
): Promise<Answer<V>> {
  const act = vmstate(sql)[verb] as (argument: Arguments<V>) => Promise<Answer<V>>;
  return await act(argument);
}

/** As most callers do: a call is a transaction, and one that was not answered is simply made again. */
export class PlainClient implements Client {
  constructor(private readonly connection: Connection) {}

  async ask<V extends Verb>(verb: V, argument: Arguments<V>): Promise<Answer<V>> {
    const { sql, pool, isolation, acknowledgedWrites, expectedErrors, called } = this.connection;
    const act = (sql: postgres.ISql): Promise<Answer<V>> => call(sql, verb, argument);
    const isPlain = isolation === "read committed";
    const answer = await (isPlain ? act(sql) : expectedErrors.persist(() => transact(pool, isolation, act)));
    acknowledgedWrites.acknowledge(verb, argument, answer);
    called.add(`${isolation} ${verb}`);
    return answer;
  }
}

/**
 * Finds out of a call that was not answered whether it was committed, and makes it again only if it was not: so each
 * call is made exactly once, whatever happens. Of one that was committed it tries the replay, too.
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
    called.add(`${isolation} ${verb}`);
    return answer;
  }

  /**
   * To look is not enough: while the server process that was killed is not yet cleared away, its transaction is neither
   * committed nor gone for the others. Who inserts the same line waits for that.
   */
  async #isInLedger(line: string): Promise<boolean> {
    const { sql } = this.connection;
    await sql`insert into faults.ledger (id, is_inquiry) values (${line}, true) on conflict do nothing`.raw();
    const found = await sql`select from faults.ledger where id = ${line} and not is_inquiry`.raw();
    return found.length > 0;
  }

  /** @throws Unexpected when the repetition of a call that was committed is not recognised as one */
  async #replay<V extends Verb>(verb: V, argument: Arguments<V>, first: Answer<V>): Promise<void> {
    if (APPLIED_AGAIN.has(verb)) return;
    const second = [await call(this.connection.sql, verb, argument)].flat();
    const isReplay = [first]
      .flat()
      .every((row, n) => outcomeOf(row) !== "applied" || REPLAYED.has(outcomeOf(second[n])));
    if (!isReplay) throw new UnexpectedAnswer(verb, argument, JSON.stringify(second), "a replay");
  }
}

/** The holder of a lock gets it again, and a plan that was explained is explained again. */
const APPLIED_AGAIN = new Set<Verb>(["beginUpdate", "explainUpdate"]);

/** What a replay answers of what was applied; a sled that failed has nothing left to fail. */
const REPLAYED = new Set<string | undefined>(["unchanged", "stale", "terminal", undefined]);
