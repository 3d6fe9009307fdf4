import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  beginUpdate,
  breakUpdate,
  commitUpdate,
  explainUpdate,
  inheritUpdate,
  pendingUpdates,
  runUpdate,
  unlockUpdate,
  type CommitUpdateArguments,
} from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  applied,
  deleted,
  expectInvalid,
  expireLease,
  instance,
  NO_ROW,
  rowOf,
  running,
  saying,
  unknown,
  vmm,
  writingNothing,
  type Scenario,
} from "../scenario.js";

const { sql } = withDatabase();

const DAY = "1 day";

/** A saga took the lock for as long as it may; the arguments of its commit. */
async function held(s: Scenario): Promise<CommitUpdateArguments> {
  const saga = { instanceId: s.instanceId, sagaId: randomUUID() };
  const { updaterGeneration, planToken } = await applied(beginUpdate(sql, { ...saga, lease: DAY }));
  return { ...saga, updaterGeneration, planToken };
}

const breaking = (s: Scenario, updaterGeneration: number): ReturnType<typeof breakUpdate> =>
  breakUpdate(sql, { instanceId: s.instanceId, updaterGeneration, reason: "its process is dead" });

describe("applied", () => {
  test("releases the lock that explain_update shows, and changes nothing else", async () => {
    const s = await saying(sql, "failed");
    const [before, vmmBefore] = [await instance(sql, s), await vmm(sql, s.propolisId)];
    const lock = await held(s);
    const explained = await explainUpdate(sql, s);
    expect(explained).toMatchObject({
      updaterId: lock.sagaId,
      updaterGeneration: lock.updaterGeneration,
      updaterLeaseUntil: expect.any(Date) as unknown,
    });
    expect(await breaking(s, Number(explained.updaterGeneration))).toEqual({
      outcome: "applied",
      reason: null,
      ...s.row,
    });
    expect(await instance(sql, s)).toEqual({
      ...before,
      updater_generation: 2,
      released_updater_id: lock.sagaId,
      time_updater_released: expect.any(String) as unknown,
    });
    expect(await vmm(sql, s.propolisId)).toEqual(vmmBefore);
    expect(await explainUpdate(sql, s)).toMatchObject({ updaterId: null, updaterLeaseUntil: null });
  });

  test("makes the lock holder's commit_update and a child's inherit_update lock_lost", async () => {
    const s = await saying(sql, "failed");
    const lock = await held(s);
    await applied(breaking(s, lock.updaterGeneration));
    const lost = { outcome: "conflict", reason: "lock_lost" };
    expect(await writingNothing(sql, () => commitUpdate(sql, lock))).toMatchObject(lost);
    const child = { ...lock, parentSagaId: lock.sagaId, sagaId: randomUUID(), lease: DAY };
    expect(await writingNothing(sql, () => inheritUpdate(sql, child))).toMatchObject(lost);
    expect(await unlockUpdate(sql, lock)).toMatchObject({ outcome: "unchanged" });
  });

  test("returns the instance to pending_update at once; another saga updates it with a newer token", async () => {
    const s = await saying(sql, "failed");
    const lock = await held(s);
    const listed = async (): Promise<boolean> =>
      (await pendingUpdates(sql)).some(({ instanceId }) => instanceId === s.instanceId);
    expect(await listed()).toBe(false);
    await applied(breaking(s, lock.updaterGeneration));
    expect(await listed()).toBe(true);
    expect(await runUpdate(sql, { instanceId: s.instanceId, sagaId: randomUUID() })).toMatchObject({
      outcome: "applied",
      updaterGeneration: lock.updaterGeneration + 1,
    });
    expect(await writingNothing(sql, () => commitUpdate(sql, lock))).toMatchObject({ reason: "lock_lost" });
  });

  test("releases a lock that a child inherited, and one whose lease expired", async () => {
    const [s, late] = [await saying(sql, "failed"), await saying(sql, "failed")];
    const lock = await held(s);
    const child = { ...lock, parentSagaId: lock.sagaId, sagaId: randomUUID(), lease: DAY };
    const { updaterGeneration, planToken } = await applied(inheritUpdate(sql, child));
    await applied(breaking(s, updaterGeneration));
    expect(await commitUpdate(sql, { ...child, updaterGeneration, planToken })).toMatchObject({
      reason: "lock_lost",
    });
    expect(await writingNothing(sql, () => inheritUpdate(sql, child))).toMatchObject({ reason: "lock_lost" });

    const expired = await held(late);
    await expireLease(sql, late);
    await applied(breaking(late, expired.updaterGeneration));
    expect(await commitUpdate(sql, expired)).toMatchObject({ reason: "lock_lost" });
  });
});

describe("unchanged", () => {
  test("a replay, and a lock that was committed", async () => {
    const s = await saying(sql, "failed");
    const lock = await held(s);
    await applied(breaking(s, lock.updaterGeneration));
    const again = await held(s);
    await applied(commitUpdate(sql, again));
    for (const { updaterGeneration } of [again, lock])
      expect(await writingNothing(sql, () => breaking(s, updaterGeneration))).toEqual({
        outcome: "unchanged",
        reason: null,
        ...rowOf(s, "failed", 4),
      });
  });

  test("an instance that was never locked, with its current token", async () => {
    const s = await running(sql);
    const { updaterGeneration } = await explainUpdate(sql, s);
    expect(await writingNothing(sql, () => breaking(s, Number(updaterGeneration)))).toMatchObject({
      outcome: "unchanged",
    });
  });
});

describe("conflict/lock_lost", () => {
  test("another saga has taken the lock over, and keeps it", async () => {
    const s = await saying(sql, "failed");
    const lock = await held(s);
    await expireLease(sql, s);
    const next = await held(s);
    expect(await writingNothing(sql, () => breaking(s, lock.updaterGeneration))).toEqual({
      outcome: "conflict",
      reason: "lock_lost",
      ...s.row,
    });
    await applied(commitUpdate(sql, next));
  });

  test("the token was not issued yet", async () => {
    const s = await saying(sql, "failed");
    const lock = await held(s);
    for (const more of [1, 2]) {
      expect(await writingNothing(sql, () => breaking(s, lock.updaterGeneration + more))).toMatchObject({
        outcome: "conflict",
        reason: "lock_lost",
      });
    }
    await applied(unlockUpdate(sql, lock));
    expect(await breaking(s, lock.updaterGeneration + 1)).toMatchObject({ reason: "lock_lost" });
  });
});

test("gone: the instance was deleted", async () => {
  const s = await deleted(sql);
  expect(await writingNothing(sql, () => breaking(s, 1))).toEqual({
    outcome: "gone",
    reason: null,
    ...s.row,
  });
});

test("not_found: the instance does not exist", async () => {
  expect(await breaking(unknown(), 2)).toEqual({ outcome: "not_found", reason: null, ...NO_ROW });
});

test.each([
  ["p_instance_id", null, /null/],
  ["p_updater_generation", null, /null/],
  ["p_reason", null, /null/],
  ["p_reason", "", /empty/],
  ["p_reason", "  ", /empty/],
])("VM001 for %s %j", async (argument, value, detail) => {
  const s = await saying(sql, "failed");
  const lock = await held(s);
  const valid = {
    p_instance_id: s.instanceId,
    p_updater_generation: lock.updaterGeneration,
    p_reason: "operator",
  };
  await expectInvalid(sql, "break_update", { ...valid, [argument]: value }, argument, detail);
});
