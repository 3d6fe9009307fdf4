import fc from "fast-check";
import type postgres from "postgres";
import { until } from "../../support/until.js";
import type { Call } from "./calls.js";
import { type Checked, failures, type Setting } from "./check.js";
import { callText, oneLine } from "./difference.js";
import type { Generated } from "./generators/call-context.js";
import { call } from "./generators/call.js";
import { nextUsefulCall, nextCallToMigration } from "./generators/lifecycle.js";
import type { Relations } from "./model/relations.js";
import type { Answer } from "./model/step.js";
import type { World } from "./model/world.js";
import { atOnce, atDecisionPoints, type DecisionPoint } from "./decision-points.js";
import { Fixtures } from "./fixtures.js";
import { playAlone } from "./sequences.js";
import { afterSomeOrder } from "./serializability.js";

export const CONNECTIONS = 8;
const ROUNDS_OF_A_COURSE = 5;
const APPLICATION = "vmstate oracle";

interface Round {
  /** The number of the one instance that the calls are about, or null. */
  focus: number | null;
  /** The calls before, made one after the other. */
  before: Generated<Call>[];
  /** The calls that are sent at once. */
  atOnce: Generated<Call>[];
  /** The table whose rows another session locks until every call waits or is answered. */
  held: "instance" | "vmm" | "migration" | null;
}

const round: fc.Arbitrary<Round> = fc.record({
  focus: fc.constantFrom(null, 0, 1),
  before: fc.array(fc.oneof(nextCallToMigration, nextUsefulCall), { maxLength: 12, size: "max" }),
  atOnce: fc.array(call, { minLength: 4, maxLength: CONNECTIONS, size: "max" }),
  held: fc.constantFrom(null, "instance", "vmm", "migration"),
});

const course = fc.array(round, { minLength: ROUNDS_OF_A_COURSE, maxLength: ROUNDS_OF_A_COURSE });

interface RoundsSetting extends Setting {
  rounds: number;
  connect: (options: postgres.Options<Record<string, postgres.PostgresType>>) => postgres.Sql;
}

export interface RoundsResult extends Checked {
  /** Rounds that are explained only if some call did not happen at one moment. */
  atDecisionPoints: number;
}

/** Sends the calls of a round at once; some order of them must explain all answers and all rows. */
export async function checkRounds({
  sql,
  connect,
  coverage,
  seed,
  rounds,
}: RoundsSetting): Promise<RoundsResult> {
  const clients = Array.from({ length: CONNECTIONS }, () =>
    connect({ max: 1, connection: { application_name: APPLICATION } }),
  );
  const holder = connect({ max: 1 });
  let courses = 0;
  let played = 0;
  let atDecisionPoints = 0;
  const property = fc.asyncProperty(course, async (rounds) => {
    const fixtures = new Fixtures(sql, coverage, `${seed}/course/${courses++}`);
    for (const round of rounds) {
      fixtures.focus = round.focus;
      for (const generated of round.before) await playAlone(fixtures, generated);
      played++;
      const explained = await playRound(fixtures, round, clients, holder);
      if (explained === "in moments") atDecisionPoints++;
    }
  });
  const numRuns = Math.ceil(rounds / ROUNDS_OF_A_COURSE);
  // Does not look for a shorter failure: in another run the calls meet in another order.
  const result = await fc.check(property, { seed, numRuns, endOnFailure: true });
  return { found: failures(result), played, atDecisionPoints };
}

/** What happened in a round: an order of the calls has to explain all of it. */
interface Played {
  calls: Call[];
  answers: Answer[];
  rows: Relations;
}

async function playRound(
  fixtures: Fixtures,
  { held, atOnce: generated }: Round,
  clients: readonly postgres.Sql[],
  holder: postgres.Sql,
): Promise<"at once" | "in moments"> {
  const calls = generated.map((one) => fixtures.resolve(one));
  const send = (): Promise<Answer[]> =>
    Promise.all(calls.map((call, index) => fixtures.perform(call, clients[index])));
  const answers = await (held === null ? send() : whileHeld(fixtures, holder, held, send));
  const played = { calls, answers, rows: await fixtures.read() };
  const afterCalls = explanation(fixtures, played, atOnce);
  const world = afterCalls ?? explanation(fixtures, played, atDecisionPoints);
  if (!world) throw new Error(unexplained(fixtures, held, played));
  fixtures.accept(world, played.rows);
  const found = await fixtures.compareViews();
  if (found.length > 0) throw new Error(fixtures.names.named(found.join("\n")));
  return afterCalls ? "at once" : "in moments";
}

function explanation(
  fixtures: Fixtures,
  { calls, answers, rows }: Played,
  momentsOf: (call: Call, answer: Answer) => DecisionPoint[],
): World | undefined {
  const answered = calls.map((call, index) => {
    const answer = answers[index] ?? {};
    return { points: momentsOf(call, answer), answer };
  });
  return afterSomeOrder(fixtures.world, answered, (world) => fixtures.compareRows(world, rows).length === 0);
}

/** Locks the rows of a table until the server says that each call waits for a lock or has its result. */
async function whileHeld<T>(
  fixtures: Fixtures,
  holder: postgres.Sql,
  table: Exclude<Round["held"], null>,
  act: () => Promise<T>,
): Promise<T> {
  const { acting } = await holder.begin(async (sql) => {
    const key = table === "instance" ? "id" : "instance_id";
    await sql`select from vmstate.${sql(table)} where ${sql(key)} = any (${fixtures.ids}::uuid[]) for no key update`;
    const acting = act();
    await until("all calls wait or are answered", () => nobodyIsBusy(fixtures.sql));
    return { acting };
  });
  return await acting;
}

async function nobodyIsBusy(sql: postgres.ISql): Promise<boolean> {
  const [{ busy }] = await sql<[{ busy: boolean }]>`
    select exists (select from pg_stat_activity
      where application_name = ${APPLICATION} and datname = current_database()
        and state = 'active' and wait_event_type is distinct from 'Lock') as busy`;
  return !busy;
}

function unexplained(
  { names, rows }: Fixtures,
  held: Round["held"],
  { calls, answers, rows: after }: Played,
): string {
  const linesOf = (relations: Relations): string[] =>
    Object.entries(relations).flatMap(([table, byId]) =>
      Object.values(byId).map((row) => `  ${table} ${oneLine(row)}`),
    );
  const lines = [
    "no order of these calls explains all answers and rows; the rows before:",
    ...linesOf(rows),
    `the calls, sent at once (${held === null ? "nothing" : `rows of ${held}`} held), and their answers:`,
    ...calls.flatMap((call, index) => [
      `  ${index + 1}. ${callText(call)}`,
      `     ${oneLine(answers[index])}`,
    ]),
    "the rows after:",
    ...linesOf(after),
  ];
  return names.named(lines.join("\n"));
}
