import { randomInt, randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { Random } from "../../../src/simulator/random.js";
import { createRunning } from "../../bench/fleet.js";
import { createDatabase } from "../../support/database.js";
import { expectEveryVerb } from "../../support/every-verb.js";
import { PLACE } from "../faults/workload.js";
import { mutate } from "../mutants/mutate.js";
import { reportOnce } from "./reporters.js";
import { SteadyVmms } from "./targets.js";
import { countDeadlocks, type MixedBatches, mixBatches, SOON, verdictOf } from "./batches.js";

const NOTHING_WRONG = { deadlocks: 0, errors: [], violations: 0, notAsReported: 0 };

it("overlapping batches of every form never deadlock with calls of every verb, and the newest report stays", async () => {
  await using database = await createDatabase();
  const seed = randomInt(2 ** 31);
  const { reports, called, ...mixed } = await mixBatches(database, { seed, reports: 1_500, workers: 3 });
  expect({ seed, ...mixed }).toMatchObject({ seed, ...NOTHING_WRONG });
  expect(reports).toBeGreaterThanOrEqual(1_500);
  await expectEveryVerb(database.sql, PLACE, called);
});

const STATEMENT = "verbs/sled_agent/steps/apply_plain_reports";

it("counts a deadlock", async () => {
  await using database = await createDatabase();
  const sessions = [0, 1].map(() => database.connect({ max: 1, ...SOON }));
  for (const [n, sql] of sessions.entries()) {
    await sql`begin`;
    await sql`select pg_advisory_xact_lock(${n})`;
  }
  const locks = sessions.map((sql, n) =>
    sql`select pg_advisory_xact_lock(${1 - n})`.finally(() => sql`rollback`),
  );
  const ended = await Promise.allSettled(locks);
  expect(ended.filter(({ status }) => status === "rejected")).toMatchObject([{ reason: { code: "40P01" } }]);
  await Promise.all(sessions.map((sql) => sql.end()));
  expect(await countDeadlocks(database.sql)).toBe(1);
});

it("finds VMMs whose generation is not that of the newest report", async () => {
  await using database = await createDatabase();
  const to = "state_generation = v.state_generation + 1";
  await mutate(database.sql, { file: STATEMENT, from: "state_generation = r.generation", to });
  const [first, ...others] = await createRunning(database.sql, randomUUID(), 30);
  if (first === undefined) throw new Error("there is no VMM to report");
  const steady = new SteadyVmms([first, ...others]);
  expect(await steady.countWrong(database.sql)).toBe(0);
  const sent = { reports: 0, batches: 0 };
  for (let n = 0; n < 3; n++) await reportOnce(database.sql, "arrays", steady, new Random(1, n), sent);
  expect(await steady.countWrong(database.sql)).toBeGreaterThan(0);
  expect(sent.batches).toBe(3);
});

it("the verdict has its figures on one line, and counts what failed", () => {
  const mixed: MixedBatches = {
    ...{ reports: 100_040, batches: 2_501, called: ["begin_start", "settle"] },
    ...{ deadlocks: 1, errors: ["wrong: deadlock detected"], violations: 0, notAsReported: 2 },
  };
  expect(verdictOf(mixed, 60)).toEqual({
    figures:
      "100,040 reports in 2,501 batches of 4 forms, among calls of 2 functions, 1 deadlocks, 1 errors, 0 violations, " +
      "2 VMMs not as last reported, 60 s",
    failures: 4,
  });
});
