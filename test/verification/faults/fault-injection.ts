import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type postgres from "postgres";
import { invariantViolations } from "../../../src/index.js";
import { Random } from "../../../src/simulator/random.js";
import { TaskPool } from "../../../src/simulator/task-pool.js";
import type { TestDatabase } from "../../support/copy.js";
import { type FaultKind, faultKinds, type Point } from "./fault-kinds.js";
import { call } from "./retrying-clients.js";
import { closePausePoint, installPausePoints, lockRows, type Obstacle } from "./pause-points.js";
import type { ClientTask } from "./client-task.js";
import { untilAt, untilGone } from "./sessions.js";
import type { Totals } from "./totals.js";
import { type PreparedCall, outcomesOf, standingOf, type CallCase, callCases } from "./call-cases.js";

/** A fault that hits the client of one call at one point. */
export interface FaultInjection {
  callCase: CallCase;
  point: Point;
  kind: FaultKind;
}

/** Every fault at every point of every call case. */
export const everyInjection: readonly FaultInjection[] = callCases.flatMap((callCase) =>
  pointsOf(callCase).flatMap((point) =>
    faultKinds.filter(({ hits }) => hits(point)).map((kind) => ({ callCase, point, kind })),
  ),
);

/** Injections at the same time. */
const AT_A_TIME = 4;
/** A call takes a few milliseconds, so a fault within this time hits it before, in or after its work. */
const LONGEST_WAY_MS = 40;

interface InjectionContext {
  sql: postgres.Sql;
  url: string;
  random: Random;
}

/** Injects every fault, and checks that the call is then committed or rolled back and that other clients can go on. */
export async function injectAll(
  database: TestDatabase,
  injections: readonly FaultInjection[],
  seed: number,
  totals: Totals,
): Promise<void> {
  const { url } = database;
  const sql = database.connect({ max: 3 * AT_A_TIME });
  await installPausePoints(sql);
  const pool = new TaskPool(AT_A_TIME);
  for (const [n, each] of injections.entries())
    await pool.begin(async () => {
      await injectOnce({ sql, url, random: new Random(seed, n) }, each, totals);
    });
  await pool.finish();
  for (const row of await invariantViolations(sql)) totals.violations.add(JSON.stringify(row));
}

async function injectOnce(
  context: InjectionContext,
  injection: FaultInjection,
  totals: Totals,
): Promise<void> {
  const { callCase, point, kind } = injection;
  try {
    await play(context, injection);
  } catch (error) {
    totals.wrong.add(`${callCase.verb}, ${point}, ${kind.name}: ${String(error)}`);
  }
  totals.count(kind.counts);
}

/** @throws when something is not as it must be */
async function play(context: InjectionContext, injection: FaultInjection): Promise<void> {
  const { sql } = context;
  const { verb, before, after, replayed, prepare } = injection.callCase;
  const prepared = await prepare(sql);
  const { instanceId, argument, goOn } = prepared;
  requireOneOf([before], await standingOf(sql, instanceId));
  await hitClient(context, injection, prepared);
  const standing = await standingOf(sql, instanceId);
  requireOneOf(standingsAfter(injection), standing);
  const answer = await call(sql, verb, argument);
  requireOneOf([standing === before ? "applied" : replayed], outcomesOf(answer));
  requireOneOf([after], await standingOf(sql, instanceId));
  await goOn();
}

/** Starts a client, lets it wait at the point, injects the fault, and waits until its session is gone. */
async function hitClient(
  context: InjectionContext,
  { callCase, point, kind }: FaultInjection,
  prepared: PreparedCall,
): Promise<void> {
  const { sql, url, random } = context;
  const { verb } = callCase;
  const { instanceId, argument } = prepared;
  const applicationName = `target ${randomUUID()}`;
  {
    await using obstacle = await obstacleAt(sql, point, instanceId);
    const options = [kind.settings ?? "", obstacle.settings].join(" ");
    const mode = modes[point] ?? "plain";
    await using target = await kind.target({ url, applicationName, options, verb, argument, mode });
    if (point === "under way") await setTimeout(random.next() * LONGEST_WAY_MS);
    if (kind.inject) await kind.inject(target, sql, await untilAt(sql, applicationName, point));
    // Every fault that hits a session in an open transaction ends the session.
    if (mode === "open transaction") await untilGone(sql, applicationName);
    target.goOn();
    if (kind.codes) requireOneOf(codesOf(point, kind.codes), await target.ended);
  }
  await untilGone(sql, applicationName);
}

const modes: Partial<Record<Point, ClientTask["mode"]>> = {
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
      return await closePausePoint(sql, "instance");
    case "having written vmm":
      return await closePausePoint(sql, "vmm");
    case "having written migration":
      return await closePausePoint(sql, "migration");
    case "committing":
      return await closePausePoint(sql, "commit");
    default:
      return { settings: "", [Symbol.asyncDispose]: () => Promise.resolve() };
  }
}

/** The states in which the instance may be after the fault; a server that does not notice the fault does all that it was sent. */
function standingsAfter({ callCase: { before, after }, point, kind }: FaultInjection): string[] {
  if (point === "under way") return [before, after];
  const isSent = point !== "connected" && point !== "in its transaction";
  return [isSent && kind.counts === "deaths" ? after : before];
}

function codesOf(point: Point, codes: readonly string[]): (string | undefined)[] {
  return point === "under way" ? [...codes, undefined] : [...codes];
}

function requireOneOf(expected: readonly (string | undefined)[], found: string | undefined): void {
  if (expected.includes(found)) return;
  throw new Error(`${String(found)}; expected ${expected.join(" or ")}`);
}

function pointsOf({ writes }: CallCase): Point[] {
  const within = writes.map((table): Point => `having written ${table}`);
  return ["connected", "locked out", ...within, "in its transaction", "committing", "answered", "under way"];
}
