import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { createDatabase, type TestDatabase } from "../harness/database.js";
import {
  type Answered,
  createEveryCase,
  functionAnswers,
  plantEveryCase,
  viewAnswers,
} from "./every-case.js";
import { afterPlan, alive, effectiveState, type Input, type Plan, planOf } from "./model.js";

const CASES = 4 * 4 + 4 * 10 * 2 * (1 + 2 * 10 * 2 * 4 * 4 + 4 * 4);

let db: TestDatabase;
let answered: Answered[];
beforeAll(async () => {
  db = await createDatabase();
  await createEveryCase(db.sql);
  answered = await functionAnswers(db.sql);
});
afterAll(() => db.drop());

/** The first few cases that break a rule; there should be none. */
function breaches(holds: (answer: Answered) => boolean): Answered[] {
  return answered.filter((answer) => !holds(answer)).slice(0, 3);
}

/** The first few that differ from the model, beside it. */
function differences(answers: Answered[], expected: (input: Input) => unknown, actual: (a: Answered) => unknown): unknown[] {
  return answers
    .map((answer) => ({ input: answer.input, actual: actual(answer), expected: expected(answer.input) }))
    .filter(({ actual, expected }) => JSON.stringify(actual) !== JSON.stringify(expected))
    .slice(0, 3);
}

describe("update_plan", () => {
  it("is what the tables say, for every input", () => {
    expect(answered).toHaveLength(CASES);
    expect(differences(answered, planOf, ({ plan }) => plan)).toEqual([]);
  });

  it("is what instance_plan shows of rows, for every input", async () => {
    await plantEveryCase(db.sql);
    const shown = await viewAnswers(db.sql);
    expect(shown).toHaveLength(CASES);
    expect(differences(shown, planOf, ({ plan }) => plan)).toEqual([]);
    expect(differences(shown, effectiveState, ({ apiState }) => apiState)).toEqual([]);
  });
});
