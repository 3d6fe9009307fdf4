import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  beginStart,
  beginUpdate,
  commitUpdate,
  explainUpdate,
  runUpdate,
  unlockUpdate,
} from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  anotherStart,
  applied,
  deleted,
  expectInvalid,
  expireLease,
  failed,
  instance,
  NO_ROW,
  running,
  saying,
  stopped,
  unknown,
  unwound,
  writingNothing,
  type Scenario,
} from "../scenario.js";
import { until } from "../../support/until.js";
import { NO_PLANS, NO_PLAN_ROW, noPlanColumns, planColumns, PLANS, rowAfter } from "../plans.js";

const { sql } = withDatabase();

const HOUR = "1 hour";
const sagaOf = (s: Scenario): { instanceId: string; sagaId: string; lease: string } => ({
  instanceId: s.instanceId,
  sagaId: randomUUID(),
  lease: HOUR,
});

describe.each(PLANS)("a plan: $title", ({ reach, plan }) => {
  test("applied: takes the lock and returns the plan, which commit_update then writes", async () => {
    const s = await reach(sql);
    const saga = sagaOf(s);
    const before = await instance(sql, s);
    const updaterGeneration = Number(before["updater_generation"]) + 1;

    const answer = await applied(beginUpdate(sql, saga));
    expect(answer).toEqual({
      outcome: "applied",
      reason: null,
      ...s.row,
      updaterId: saga.sagaId,
      updaterGeneration,
      updaterLeaseUntil: expect.any(Date) as unknown,
      ...planColumns(s, plan),
      planToken: expect.any(String) as unknown,
    });
    expect(await instance(sql, s)).toEqual({
      ...before,
      updater_id: saga.sagaId,
      updater_generation: updaterGeneration,
      updater_lease_until: expect.any(String) as unknown,
    });

    const { planToken } = answer;
    expect(await commitUpdate(sql, { ...saga, updaterGeneration, planToken })).toEqual({
      outcome: "applied",
      reason: null,
      ...rowAfter(s, plan),
    });
    expect(await instance(sql, s)).toMatchObject({ intended_state: plan.intent });
  });
});

describe("unchanged", () => {
  const nothing = [
    ...NO_PLANS,
    ["the instance has no VMM", stopped],
    ["the instance failed and has no VMM", failed],
  ] as typeof NO_PLANS;
  test.each(nothing)("no plan, so no lock is taken: %s", async (_, reach) => {
    const s = await reach(sql);
    const { updater_generation, intended_state } = await instance(sql, s);
    expect(await writingNothing(sql, () => beginUpdate(sql, sagaOf(s)))).toEqual({
      outcome: "unchanged",
      reason: null,
      ...s.row,
      updaterId: null,
      updaterGeneration: updater_generation,
      updaterLeaseUntil: null,
      ...noPlanColumns(s),
      newIntendedState: intended_state,
      planToken: expect.any(String) as unknown,
    });
  });

  test("no plan any more: the saga's own lock is released", async () => {
    const s = await unwound(sql);
    const saga = sagaOf(s);
    await applied(beginUpdate(sql, saga));
    await applied(beginStart(sql, anotherStart(s)));
    expect(await beginUpdate(sql, saga)).toMatchObject({
      outcome: "unchanged",
      updaterGeneration: 2,
      updaterLeaseUntil: null,
    });
    expect(await instance(sql, s)).toMatchObject({ updater_id: null, committed_updater_generation: null });
  });
});

describe("the lease", () => {
  const remaining = async (s: Scenario): Promise<number> => {
    const [row] = await sql<{ seconds: number }[]>`
      select extract(epoch from updater_lease_until - clock_timestamp())::float8 as seconds
      from vmstate.instance where id = ${s.instanceId}`;
    return row?.seconds ?? NaN;
  };

  test("lasts the requested time from now", async () => {
    const s = await saying(sql, "failed");
    const { updaterLeaseUntil } = await applied(beginUpdate(sql, sagaOf(s)));
    expect(await remaining(s)).toBeGreaterThan(3500);
    expect(await remaining(s)).toBeLessThanOrEqual(3600);
    const [row] = await sql<{ until: Date }[]>`
      select updater_lease_until as until from vmstate.instance where id = ${s.instanceId}`;
    expect(updaterLeaseUntil).toEqual(row?.until);
  });

  test("may be given in seconds", async () => {
    const s = await saying(sql, "failed");
    await applied(beginUpdate(sql, { ...sagaOf(s), lease: 90 }));
    expect(await remaining(s)).toBeGreaterThan(60);
    expect(await remaining(s)).toBeLessThanOrEqual(90);
  });

  test("is extended for the lock holder at the same generation, and never shortened", async () => {
    const s = await saying(sql, "failed");
    const saga = sagaOf(s);
    const first = await applied(beginUpdate(sql, saga));
    const again = await beginUpdate(sql, { ...saga, lease: "2 hours" });
    expect(again).toEqual({ ...first, updaterLeaseUntil: expect.any(Date) as unknown });
    expect(await remaining(s)).toBeGreaterThan(7100);
    expect(await beginUpdate(sql, { ...saga, lease: "1 second" })).toEqual(again);
  });

  test("is renewed for the lock holder after it expired", async () => {
    const s = await saying(sql, "failed");
    const saga = sagaOf(s);
    await applied(beginUpdate(sql, saga));
    await expireLease(sql, s);
    expect(await beginUpdate(sql, saga)).toMatchObject({ outcome: "applied", updaterGeneration: 2 });
    expect(await remaining(s)).toBeGreaterThan(3500);
  });

  test("makes other sagas' begin_update conflict/locked", async () => {
    const s = await saying(sql, "failed");
    const held = await applied(beginUpdate(sql, sagaOf(s)));
    expect(await writingNothing(sql, () => beginUpdate(sql, sagaOf(s)))).toEqual({
      ...held,
      outcome: "conflict",
      reason: "locked",
    });
  });

  test("is taken over by another saga after it expired, at the next generation; the late saga gets lock_lost", async () => {
    const s = await saying(sql, "failed");
    const [late, next] = [sagaOf(s), sagaOf(s)];
    const lost = await applied(beginUpdate(sql, { ...late, lease: "1 millisecond" }));
    await until("the lease has expired", async () => (await remaining(s)) <= 0);

    expect(await beginUpdate(sql, next)).toMatchObject({
      outcome: "applied",
      updaterGeneration: 3,
      planToken: lost.planToken,
    });
    expect(await remaining(s)).toBeGreaterThan(3500);
    const { updaterGeneration, planToken } = lost;
    const lostLock = { outcome: "conflict", reason: "lock_lost" };
    expect(
      await writingNothing(sql, () => commitUpdate(sql, { ...late, updaterGeneration, planToken })),
    ).toMatchObject(lostLock);
    expect(await unlockUpdate(sql, { ...late, updaterGeneration })).toMatchObject(lostLock);
    expect(await beginUpdate(sql, late)).toMatchObject({ outcome: "conflict", reason: "locked" });
  });
});

test("takes a lease of up to 1 day, or 24 hours", async () => {
  for (const lease of ["1 day", "24 hours"]) {
    const s = await saying(sql, "failed");
    await applied(beginUpdate(sql, { ...sagaOf(s), lease }));
    const [row] = await sql`
      select updater_lease_until - clock_timestamp() between '23:58:00' and '24:00:00' as "isADay"
      from vmstate.instance where id = ${s.instanceId}`;
    expect(row).toEqual({ isADay: true });
  }
});

test("raises the fencing token with every lock, also after an unlock and a commit", async () => {
  const s = await saying(sql, "failed");
  const saga = sagaOf(s);
  await applied(unlockUpdate(sql, { ...saga, ...(await applied(beginUpdate(sql, saga))) }));
  const { updaterGeneration, planToken } = await applied(beginUpdate(sql, saga));
  expect(updaterGeneration).toBe(3);
  await applied(commitUpdate(sql, { ...saga, updaterGeneration, planToken }));
  const start = anotherStart(s);
  await applied(beginStart(sql, start));
  await sql`select vmstate.fail_vmm(${s.instanceId}, ${start.propolisId}, 'operator')`;
  expect(await runUpdate(sql, saga)).toMatchObject({ outcome: "applied", updaterGeneration: 4 });
});

test("returns the same plan token while the plan is the same, and another one for another plan", async () => {
  const s = await saying(sql, "failed");
  const { planToken } = await applied(explainUpdate(sql, s));
  expect(await beginUpdate(sql, sagaOf(s))).toMatchObject({ planToken });
  expect((await explainUpdate(sql, await running(sql))).planToken).not.toBe(planToken);
});

test("gone: the instance was deleted", async () => {
  const s = await deleted(sql);
  expect(await writingNothing(sql, () => beginUpdate(sql, sagaOf(s)))).toEqual({
    outcome: "gone",
    reason: null,
    ...s.row,
    updaterId: null,
    updaterGeneration: 1,
    updaterLeaseUntil: null,
    ...noPlanColumns(s),
    newIntendedState: "destroyed",
    planToken: expect.any(String) as unknown,
  });
});

test("not_found: the instance does not exist", async () => {
  expect(await beginUpdate(sql, sagaOf(unknown()))).toEqual({
    outcome: "not_found",
    reason: null,
    ...NO_ROW,
    ...NO_PLAN_ROW,
  });
});

test.each([
  ["p_instance_id", null, /null/],
  ["p_saga_id", null, /null/],
  ["p_lease", null, /null/],
  ["p_lease", "0", /00:00:00/],
  ["p_lease", "-1 seconds", /-00:00:01/],
  ["p_lease", "1 day 00:00:00.000001", /at most 1 day/],
  ["p_lease", "25 hours", /at most 1 day/],
  // each compares as 1 day or less, for a month compares as 30 days
  ["p_lease", "1 month -29 days", /at most 1 day/],
  ["p_lease", "1000 years -359999 days", /at most 1 day/],
  ["p_lease", "-1000 years 360001 days", /at most 1 day/],
  ["p_lease", "1000000 years", /1000000 years/],
])("VM001 for %s %s", async (argument, value, detail) => {
  const s = await saying(sql, "failed");
  const valid = { p_instance_id: s.instanceId, p_saga_id: randomUUID(), p_lease: HOUR };
  await expectInvalid(sql, "begin_update", { ...valid, [argument]: value }, argument, detail);
});
