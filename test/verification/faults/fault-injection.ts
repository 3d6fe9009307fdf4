import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type postgres from "postgres";
import { invariantViolations } from "../../../src/index.js";
import { Chance } from "../../../src/simulator/random.js";
import { Crew } from "../../../src/simulator/task-pool.js";
import type { TestDatabase } from "../../support/copy.js";
import { type Blow, blows, type Point } from "./fault-kinds.js";
import { call } from "./retrying-clients.js";
import { closeGate, installGates, lockRows, type Obstacle } from "./pause-points.js";
import { outcomeOf } from "./acknowledged-writes.js";
import type { Order } from "./order.js";
import { untilAt, untilGone } from "./sessions.js";
import type { Tally } from "./totals.js";
import { type Errand, standingOf, type Work, works } from "./call-cases.js";

/** One blow against the caller of one verb at one point. */
export interface Strike {
  work: Work;
  point: Point;
  blow: Blow;
}

/** Every blow at every point of every verb. */
export const everyStrike: readonly Strike[] = works.flatMap((work) =>
  pointsOf(work).flatMap((point) =>
    blows.filter(({ hits }) => hits(point)).map((blow) => ({ work, point, blow })),
  ),
);

const AT_A_TIME = 4;
const LONGEST_WAY_MS = 40;

interface Arena {
  sql: postgres.Sql;
  url: string;
  chance: Chance;
}

/** After each of them all is done or nothing, and others can go on. */
export async function strikeAll(
  database: TestDatabase,
  strikes: readonly Strike[],
  seed: number,
  tally: Tally,
): Promise<void> {
  const { url } = database;
  const sql = database.connect({ max: 3 * AT_A_TIME });
  await installGates(sql);
  const crew = new Crew(AT_A_TIME);
  for (const [n, each] of strikes.entries())
    await crew.begin(async () => {
      await strikeOnce({ sql, url, chance: new Chance(seed, n) }, each, tally);
    });
  await crew.finish();
  for (const row of await invariantViolations(sql)) tally.violations.add(JSON.stringify(row));
}

async function strikeOnce(arena: Arena, strike: Strike, tally: Tally): Promise<void> {
  const { work, point, blow } = strike;
  try {
    await play(arena, strike);
  } catch (error) {
    tally.wrong.add(`${work.verb}, ${point}, ${blow.name}: ${String(error)}`);
  }
  tally.count(blow.counts);
}

/** @throws when something is not as it must be */
async function play(arena: Arena, strike: Strike): Promise<void> {
  const { sql } = arena;
  const { verb, before, after, replayed, prepare } = strike.work;
  const errand = await prepare(sql);
  const { instanceId, argument, goOn } = errand;
  requireOneOf([before], await standingOf(sql, instanceId));
  await fall(arena, strike, errand);
  const standing = await standingOf(sql, instanceId);
  requireOneOf(outcomesOf(strike), standing);
  const answer = await call(sql, verb, argument);
  requireOneOf([standing === before ? "applied" : replayed], outcomeOf(answer));
  requireOneOf([after], await standingOf(sql, instanceId));
  await goOn();
}

/** A client sets out, is held at the point, and struck there; then nothing of it is left. */
async function fall(arena: Arena, { work, point, blow }: Strike, errand: Errand): Promise<void> {
  const { sql, url, chance } = arena;
  const { verb } = work;
  const { instanceId, argument } = errand;
  const applicationName = `victim ${randomUUID()}`;
  {
    await using obstacle = await obstacleAt(sql, point, instanceId);
    const options = [blow.settings ?? "", obstacle.settings].join(" ");
    const mode = modes[point] ?? "plain";
    await using victim = await blow.victim({ url, applicationName, options, verb, argument, mode });
    if (point === "under way") await setTimeout(chance.next() * LONGEST_WAY_MS);
    if (blow.strike) await blow.strike(victim, sql, await untilAt(sql, applicationName, point));
    // Whatever hits a session that waits in its transaction, ends it.
    if (mode === "open transaction") await untilGone(sql, applicationName);
    victim.goOn();
    if (blow.codes) requireOneOf(codesOf(point, blow.codes), await victim.ended);
  }
  await untilGone(sql, applicationName);
}

const modes: Partial<Record<Point, Order["mode"]>> = {
  connected: "idle",
  "in its transaction": "open transaction",
  committing: "transaction",
  "under way": "transaction",
};

async function obstacleAt(sql: postgres.Sql, point: Point, instanceId: string): Promise<Obstacle> {
  switch (point) {
    case "locked out":
      return await lockRows(sql, instanceId);
    case "having written instance":
      return await closeGate(sql, "instance");
    case "having written vmm":
      return await closeGate(sql, "vmm");
    case "having written migration":
      return await closeGate(sql, "migration");
    case "committing":
      return await closeGate(sql, "commit");
    default:
      return { settings: "", [Symbol.asyncDispose]: () => Promise.resolve() };
  }
}

/** What may have become of the instance. A server that is not told otherwise does all that it was sent. */
function outcomesOf({ work: { before, after }, point, blow }: Strike): string[] {
  if (point === "under way") return [before, after];
  const isSent = point !== "connected" && point !== "in its transaction";
  return [isSent && blow.counts === "deaths" ? after : before];
}

function codesOf(point: Point, codes: readonly string[]): (string | undefined)[] {
  return point === "under way" ? [...codes, undefined] : [...codes];
}

function requireOneOf(expected: readonly (string | undefined)[], found: string | undefined): void {
  if (expected.includes(found)) return;
  throw new Error(`${String(found)}; expected ${expected.join(" or ")}`);
}

function pointsOf({ writes }: Work): Point[] {
  const within = writes.map((table): Point => `having written ${table}`);
  return ["connected", "locked out", ...within, "in its transaction", "committing", "answered", "under way"];
}
