import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { expect, it } from "vitest";
import {
  type MigrationState,
  type ReportedVmmState,
  reporter,
  reportVmm,
  type ReportVmmArguments,
  type SqlClient,
} from "../../../src/index.js";
import { migrating, migration, running, type Scenario, unknown, vmm } from "../../sql/scenario.js";
import { withDatabase } from "../../support/database.js";

const db = withDatabase();

const time = new Date();

type Of = "source" | "destination" | "other" | "unknown";

/** What a caller reports, and what happens before the next caller does. */
interface Step {
  of: Of;
  state: ReportedVmmState;
  generation: number;
  side: { way: "In" | "Out"; state: MigrationState; generation: number } | null;
  upperCase: boolean;
  then: "nothing" | "a turn" | "the verdict" | "all verdicts";
}

const STATES: ReportedVmmState[] = ["running", "starting", "stopping", "rebooting", "migrating", "stopped"];

/** Small numbers, so that reports are newer, duplicates and stale in turn; a rare null is refused with VM001. */
const generation = fc.oneof(
  { weight: 30, arbitrary: fc.integer({ min: 1, max: 9 }) },
  { weight: 1, arbitrary: fc.constant(null as unknown as number) },
);

const step: fc.Arbitrary<Step> = fc.record({
  of: fc.constantFrom<Of>("source", "source", "destination", "destination", "other", "unknown"),
  state: fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(...STATES) },
    { weight: 1, arbitrary: fc.constantFrom<ReportedVmmState>("failed", "destroyed") },
    { weight: 1, arbitrary: fc.constant("saga_unwound" as ReportedVmmState) },
  ),
  generation,
  side: fc.option(
    fc.record({
      way: fc.constantFrom("In" as const, "Out" as const),
      state: fc.constantFrom<MigrationState>("in_progress", "in_progress", "completed", "failed"),
      generation,
    }),
  ),
  upperCase: fc.boolean(),
  then: fc.constantFrom("nothing", "nothing", "nothing", "a turn", "the verdict", "all verdicts"),
});

interface Rows {
  instances: Record<Of, { instanceId: string; propolisId: string }>;
  migrationId: string;
}

async function makeRows(): Promise<Rows> {
  const [moving, other] = await Promise.all([migrating(db.sql), running(db.sql)]);
  const keys = ({ instanceId, propolisId }: Scenario): { instanceId: string; propolisId: string } => ({
    instanceId,
    propolisId,
  });
  const destination = { instanceId: moving.instanceId, propolisId: moving.destinationId };
  const instances = { source: keys(moving), destination, other: keys(other), unknown: keys(unknown()) };
  return { instances, migrationId: moving.migrationId };
}

function reportOf({ instances, migrationId }: Rows, step: Step): ReportVmmArguments {
  const { of, state, generation, side, upperCase } = step;
  const { instanceId, propolisId } = instances[of];
  const id = upperCase ? propolisId.toUpperCase() : propolisId;
  const part = side && {
    [`migration${side.way}Id`]: migrationId,
    [`migration${side.way}State`]: side.state,
    [`migration${side.way}Generation`]: side.generation,
    [`migration${side.way}Time`]: time,
  };
  return { instanceId, propolisId: id, state, generation, time, ...part };
}

/** The verdict, or the error with which the report alone is refused. Messages differ in ids only. */
async function answerTo(call: Promise<unknown>): Promise<unknown> {
  try {
    return await call;
  } catch (error) {
    const { message, code, detail } = error as { message: string; code: string; detail: string };
    return { message, code, detail };
  }
}

async function storedIn({ instances, migrationId }: Rows): Promise<unknown> {
  const { source, destination, other } = instances;
  const rows = await Promise.all([source, destination, other].map((key) => vmm(db.sql, key.propolisId)));
  const side = await migration(db.sql, migrationId);
  return [
    ...rows.map(({ state, state_generation, failure_reason, time_started }) => [
      ...[state, state_generation, failure_reason, time_started === null],
    ]),
    [
      side["source_state"],
      side["source_generation"],
      side["destination_state"],
      side["destination_generation"],
    ],
  ];
}

interface Limits {
  maxBatch: number;
  maxQueue: number;
}

/** Makes the calls at the times that the steps say. */
async function gathered(
  sql: SqlClient,
  rows: Rows,
  steps: readonly Step[],
  limits: Limits,
): Promise<unknown[]> {
  const { report, close } = reporter(sql, limits);
  const answers: Promise<unknown>[] = [];
  for (const each of steps) {
    const answer = answerTo(report(reportOf(rows, each)));
    answers.push(answer);
    if (each.then === "a turn") await turn();
    if (each.then === "the verdict") await answer;
    if (each.then === "all verdicts") await Promise.all(answers);
  }
  await close();
  return await Promise.all(answers);
}

async function oneByOne(rows: Rows, steps: readonly Step[]): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (const each of steps) answers.push(await answerTo(reportVmm(db.sql, reportOf(rows, each))));
  return answers;
}

const RUNS = Number(process.env["REPORTER_RUNS"] ?? 80);

it(`${RUNS} random sequences of reports get the verdicts, and leave the rows, of the same calls of reportVmm`, async () => {
  const seen = new Set<unknown>();
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 40 }),
      fc.record({ maxBatch: fc.integer({ min: 1, max: 12 }), maxQueue: fc.integer({ min: 1, max: 12 }) }),
      async (steps, limits) => {
        const [rows, twin] = [await makeRows(), await makeRows()];
        const answers = await gathered(db.sql, rows, steps, limits);
        expect(answers).toEqual(await oneByOne(twin, steps));
        expect(await storedIn(rows)).toEqual(await storedIn(twin));
        for (const answer of answers as Record<string, unknown>[])
          for (const name of ["vmmOutcome", "migrationInOutcome", "migrationOutOutcome", "code"])
            seen.add(answer[name]);
      },
    ),
    { numRuns: RUNS },
  );
  for (const outcome of ["applied", "stale", "terminal", "not_found", "wrong_side", "VM001", "22P02"])
    expect(seen).toContain(outcome);
});
