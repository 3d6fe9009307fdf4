import type postgres from "postgres";
import { describe, expect, it } from "vitest";
import { apiInstance, instanceAt, vmstate } from "../../../src/index.js";
import type { Answer, Arguments, Verb } from "../../../src/simulator/checked-client.js";
import { withDatabase } from "../../support/database.js";
import { applied, type Call, callsOf, Lifecycle } from "../../support/lifecycle.js";
import { clock } from "../scenario.js";

const db = withDatabase();

const SEEDS = [1, 2, 3, 4, 5, 6];

/** What the API showed at a time; undefined: no such instance. */
interface Seen {
  instanceId: string;
  time: string;
  state: string | undefined;
  intendedState: string | undefined;
}

/** Numbers from 0 to 1 that a seed decides (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Looks at the instance after each call. */
function watching(sql: postgres.Sql, instanceId: () => string, seen: Seen[]): Call {
  const call = callsOf(vmstate(sql));
  return async <V extends Verb>(verb: V, argument: Arguments<V>): Promise<Answer<V>> => {
    const answer: Answer<V> = await call(verb, argument);
    const row = await apiInstance(sql, { instanceId: instanceId() });
    seen.push({
      instanceId: instanceId(),
      time: await clock(sql),
      state: row?.state,
      intendedState: row?.intendedState,
    });
    return answer;
  };
}

/** Plays the moves of a life in a random order, some of them twice. */
async function play(
  sql: postgres.Sql,
  seed: number,
  seen: Seen[],
  between: () => Promise<void>,
): Promise<void> {
  const next = random(seed);
  let id = "";
  const life: Lifecycle = new Lifecycle(applied(watching(sql, () => id, seen)));
  id = life.instanceId;
  seen.push({ instanceId: id, time: await clock(sql), state: undefined, intendedState: undefined });
  await life.create(next() < 0.5 ? "running" : "stopped");
  const moves = [
    () => life.failToStart(),
    async () => life.stop(await life.run()),
    async () => life.stop(await life.move(await life.run())),
    () => life.restart(),
    () => life.loseSleds(),
  ];
  for (let n = 0; n < 5; n++) {
    await moves[Math.floor(next() * moves.length)]?.();
    if (n === 2) await between();
  }
  await life.delete();
}

async function expectToAgree(sql: postgres.Sql, seen: readonly Seen[]): Promise<void> {
  for (const { instanceId, time, state, intendedState } of seen) {
    const past = await instanceAt(sql, { instanceId, time });
    const shown = {
      state: past.outcome === "applied" ? past.apiState : undefined,
      intent: past.intendedState,
    };
    const expected = { state, intent: state === undefined ? past.intendedState : intendedState };
    expect({ time, ...shown }).toEqual({ time, ...expected });
  }
}

describe("instance_at says what api_instance said after each step of a random life", () => {
  it.each(SEEDS)("seed %i", async (seed) => {
    const seen: Seen[] = [];
    await play(db.sql, seed, seen, () => Promise.resolve());
    expect(seen.length).toBeGreaterThan(20);
    expect(new Set(seen.map(({ state }) => state)).size).toBeGreaterThan(4);
    await expectToAgree(db.sql, seen);
  });

  it("that had begun before anything was recorded, as after an upgrade", async () => {
    const seen: Seen[] = [];
    let begin = "";
    await play(db.sql, 7, seen, async () => {
      await db.sql.begin(async (sql) => {
        await sql`set local session_replication_role = replica`;
        await sql`delete from vmstate.history`;
      });
      begin = await clock(db.sql);
    });
    const since = seen.filter(({ time }) => time > begin);
    expect(since.length).toBeGreaterThan(5);
    await expectToAgree(db.sql, since);
  });
});
