import type postgres from "postgres";
import { type Call, perform } from "./calls.js";
import type { OutcomeCoverage } from "./outcome-coverage.js";
import {
  changedTimes,
  comparable,
  comparableRelations,
  differences,
  modelClock,
  realClock,
} from "./comparable.js";
import type { CallContext, Generated } from "./generators/call-context.js";
import { planToken } from "./model/plan.js";
import { type Relations, rowsOf, viewsOf, withPlanUnlessDeleted } from "./model/relations.js";
import type { Answer } from "./model/step.js";
import { NOTHING, type World } from "./model/world.js";
import { Names } from "./names.js";
import { readRows, readViews } from "./read-rows.js";
import { Tokens } from "./tokens.js";

/** Holds two instances, in the model and in the database, and what a sequence of calls makes of them in both. */
export class Fixtures implements CallContext {
  readonly names: Names;
  readonly tokens = new Tokens();
  readonly calls: Call[] = [];
  focus: number | null = null;
  world: World = NOTHING;
  /** The rows as they were read last. */
  rows: Relations = {};
  readonly ids: string[];
  readonly sledIds: string[];

  constructor(
    readonly sql: postgres.ISql,
    readonly coverage: OutcomeCoverage,
    scope: string,
  ) {
    this.names = new Names(scope);
    this.ids = [0, 1, "unknown" as const].map((which) => this.names.id("instance", which));
    this.sledIds = [0, 1, 2, 3].map((which) => this.names.id("sled", which));
  }

  /** Makes the call out of what there is now. */
  resolve(generated: Generated<Call>): Call {
    const call = generated(this);
    this.calls.push(call);
    return call;
  }

  /** Makes the call in the database; returns the answer, with its times and its plan token in the terms of the model. */
  async perform(call: Call, sql: postgres.ISql = this.sql): Promise<Answer> {
    const known =
      call.verb === "commit_update"
        ? { ...call, a: { ...call.a, planToken: this.tokens.of(call.a.planToken) } }
        : call;
    const answer = await perform(sql, known);
    this.coverage.count(call, answer);
    return comparable({ ...answer, ...this.#knownPlan(call, answer) }, realClock());
  }

  #knownPlan(call: Call, answer: Answer): Answer {
    const { planToken: token, stateGeneration } = answer;
    if (typeof token !== "string") return {};
    // run_update and settle show the instance as it is afterwards
    const isAfter =
      (call.verb === "run_update" && answer["outcome"] === "applied") ||
      (call.verb === "settle" && answer["updateOutcome"] === "applied");
    const name = planToken(
      Number(stateGeneration) - (isAfter ? 1 : 0),
      answer as unknown as Parameters<typeof planToken>[1],
    );
    return { planToken: this.tokens.learn(name, token) };
  }

  async read(): Promise<Relations> {
    return await readRows(this.sql, this.ids, this.sledIds);
  }

  /** Says how the rows that were read differ from those of a world, and whether other times changed. */
  compareRows(world: World, rows: Relations): string[] {
    return [
      ...compared(rowsOf(world), this.#withPlans(rows), world.now),
      ...differences(
        "changed times",
        changedTimes(rowsOf(this.world), rowsOf(world)).sort(),
        changedTimes(this.rows, rows).sort(),
      ),
    ];
  }

  /** Replaces the tokens of committed plans by the names that the model has for them. */
  #withPlans({ instance = {}, ...tables }: Relations): Relations {
    const named = Object.entries(instance).map(([id, row]): [string, Answer] => {
      const { committedPlanToken: token } = row;
      return [
        id,
        withPlanUnlessDeleted(
          typeof token === "string" ? { ...row, committedPlanToken: this.tokens.nameOf(token) } : row,
        ),
      ];
    });
    return { instance: Object.fromEntries(named), ...tables };
  }

  /** How the views differ from what they should show. */
  async compareViews(): Promise<string[]> {
    return compared(viewsOf(this.world), await readViews(this.sql, this.ids), this.world.now);
  }

  accept(world: World, rows: Relations): void {
    this.world = world;
    this.rows = rows;
  }
}

function compared(expected: Relations, actual: Relations, now: number): string[] {
  return Object.keys(expected).flatMap((relation) =>
    differences(
      relation,
      comparableRelations(expected, modelClock(now))[relation],
      comparableRelations(actual, realClock())[relation],
    ),
  );
}

/** How an answer differs from what it should be. */
export function compareAnswers(expected: Answer, actual: Answer, now: number): string[] {
  return differences("answer", comparable(expected, modelClock(now)), actual);
}
