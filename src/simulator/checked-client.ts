import { isDeepStrictEqual } from "node:util";
import { vmstate, type Vmstate } from "../client/bind.js";
import type { SqlClient } from "../client/sql-client.js";
import { sqlStateOf } from "../errors/sql-state.js";
import type { CallStats } from "./call-stats.js";

/** A function of this package. */
export type Verb = keyof Vmstate;
/** The argument of a function of the package, without its client. */
export type Arguments<V extends Verb> = Parameters<Vmstate[V]>[0];
/** What a function of the package resolves to. */
export type Answer<V extends Verb> = Awaited<ReturnType<Vmstate[V]>>;

/** Some columns that an answer must have. */
export type Expected<A> = A extends unknown ? Partial<A> : never;

/** Of the answers that a verb may give, those with the expected outcome. */
type Matching<A, E> = A extends { outcome: unknown }
  ? E extends { outcome: unknown }
    ? [A["outcome"] & E["outcome"]] extends [never]
      ? never
      : A
    : A
  : A;

/** A code of the server: others are those of Node or of the client. */
const SQLSTATE = /^[\dA-Z]{5}$/;

/** Says that a verb gave an answer that is not expected. */
export class UnexpectedAnswer extends Error {
  override readonly name = "UnexpectedAnswer";

  constructor(verb: string, argument: unknown, got: string, expected: string, cause?: unknown) {
    super(`${verb} ${JSON.stringify(argument)}: ${got}; expected ${expected}`, { cause });
  }
}

/** Calls verbs, measures the calls, and compares each answer with the expected. */
export class CheckedClient {
  readonly #verbs: Vmstate;
  readonly #stats: CallStats;

  constructor(sql: SqlClient, stats: CallStats) {
    this.#verbs = vmstate(sql);
    this.#stats = stats;
  }

  /**
   * Calls a verb that must give one of the expected answers.
   *
   * @throws UnexpectedAnswer unless the answer has all the columns of one of `expected`
   */
  async call<V extends Verb, E extends readonly [Expected<Answer<V>>, ...Expected<Answer<V>>[]]>(
    verb: V,
    argument: Arguments<V>,
    ...expected: E
  ): Promise<Matching<Answer<V>, E[number]>> {
    const answer = await this.ask(verb, argument);
    const holds = expected.some((columns) => matches(answer, columns));
    this.require(
      holds,
      verb,
      argument,
      answer,
      expected.map((columns) => JSON.stringify(columns)).join(" or "),
    );
    return answer as Matching<Answer<V>, E[number]>;
  }

  /**
   * Calls a verb, and leaves it to the caller to compare the answer.
   *
   * @throws UnexpectedAnswer when the server refuses
   */
  async ask<V extends Verb>(verb: V, argument: Arguments<V>): Promise<Answer<V>> {
    const call = this.#verbs[verb] as (argument: Arguments<V>) => Promise<Answer<V>>;
    const begun = performance.now();
    try {
      const answer = await call(argument);
      this.#stats.record(nameOf(verb), outcomesOf(answer), performance.now() - begun);
      return answer;
    } catch (error) {
      const code = sqlStateOf(error);
      if (!SQLSTATE.test(code)) throw error;
      this.#stats.record(nameOf(verb), [code], performance.now() - begun);
      const got = `${code} ${(error as Error).message}`;
      throw new UnexpectedAnswer(nameOf(verb), argument, got, "no error", error);
    }
  }

  /**
   * Refuses an answer that does not have just these rows.
   *
   * @throws UnexpectedAnswer unless there are just these rows, with all the columns of theirs
   */
  requireRows(verb: Verb, argument: unknown, rows: readonly unknown[], expected: readonly unknown[]): void {
    const hold = rows.length === expected.length && rows.every((row, n) => matches(row, expected[n]));
    this.require(hold, verb, argument, rows, JSON.stringify(expected));
  }

  /**
   * Refuses an answer for which the condition does not hold.
   *
   * @throws UnexpectedAnswer unless it holds
   */
  require(holds: boolean, verb: Verb, argument: unknown, answer: unknown, expected: string): void {
    if (!holds) throw new UnexpectedAnswer(nameOf(verb), argument, JSON.stringify(answer), expected);
  }
}

function matches(answer: unknown, expected: unknown): boolean {
  const columns: Record<string, unknown> = { ...(answer as object | undefined) };
  return Object.entries(expected as Record<string, unknown>).every(([column, value]) =>
    isDeepStrictEqual(columns[column], value),
  );
}

/** Returns the name that a verb has in the database. */
function nameOf(verb: Verb): string {
  return verb.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/**
 * Lists the outcomes of an answer.
 *
 * A batch has one for each row; a view has `read`.
 */
function outcomesOf(answer: unknown): string[] {
  return (Array.isArray(answer) ? answer : [answer]).map(outcomeOf);
}

function outcomeOf(
  answer: { outcome?: string; reason?: string | null; vmmOutcome?: string } | undefined,
): string {
  const outcome = answer?.outcome ?? answer?.vmmOutcome ?? "read";
  return answer?.reason ? `${outcome} ${answer.reason}` : outcome;
}
