import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  beginUpdate,
  commitUpdate,
  deleteInstance,
  inheritUpdate,
  pendingUpdates,
  unlockUpdate,
  type UnlockUpdateArguments,
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
  saying,
  unknown,
  unwound,
  vmm,
  writingNothing,
  type Scenario,
} from "../scenario.js";

const { sql } = withDatabase();

const HOUR = "1 hour";

interface Held extends UnlockUpdateArguments {
  planToken: string;
}

async function held(s: Scenario): Promise<Held> {
  const saga = { instanceId: s.instanceId, sagaId: randomUUID() };
  const { updaterGeneration, planToken } = await applied(beginUpdate(sql, { ...saga, lease: HOUR }));
  return { ...saga, updaterGeneration, planToken };
}

test("applied: releases the lock and changes nothing else; a replay is unchanged", async () => {
  const s = await saying(sql, "failed");
  const [before, vmmBefore] = [await instance(sql, s), await vmm(sql, s.propolisId)];
  const lock = await held(s);
  expect(await unlockUpdate(sql, lock)).toEqual({ outcome: "applied", reason: null, ...s.row });
  expect(await instance(sql, s)).toEqual({
    ...before,
    updater_generation: 2,
    released_updater_id: lock.sagaId,
    time_updater_released: expect.any(String) as unknown,
  });
  expect(await vmm(sql, s.propolisId)).toEqual(vmmBefore);
  const pending = await pendingUpdates(sql);
  expect(pending.map(({ instanceId }) => instanceId)).toContain(s.instanceId);

  expect(await writingNothing(sql, () => unlockUpdate(sql, lock))).toEqual({
    outcome: "unchanged",
    reason: null,
    ...s.row,
  });
});

test("applied: the lease expired, and no other saga took the lock", async () => {
  const s = await saying(sql, "failed");
  const lock = await held(s);
  await expireLease(sql, s);
  expect(await unlockUpdate(sql, lock)).toEqual({ outcome: "applied", reason: null, ...s.row });
});

test("unchanged: the commit released the lock already", async () => {
  const s = await saying(sql, "failed");
  const lock = await held(s);
  await applied(commitUpdate(sql, lock));
  expect(await writingNothing(sql, () => unlockUpdate(sql, lock))).toEqual({
    outcome: "unchanged",
    reason: null,
    ...rowOf(s, "failed", 4),
  });
});

test.each(["unlock", "commit"])(
  "conflict/lock_lost: another saga, with a token that ended by %s",
  async (end) => {
    const s = await saying(sql, "failed");
    const lock = await held(s);
    await applied(end === "unlock" ? unlockUpdate(sql, lock) : commitUpdate(sql, lock));
    const stranger = { ...lock, sagaId: randomUUID() };
    expect(await writingNothing(sql, () => unlockUpdate(sql, stranger))).toMatchObject({
      outcome: "conflict",
      reason: "lock_lost",
    });
  },
);

describe("conflict/lock_lost:", () => {
  const lost: [string, (s: Scenario, lock: Held) => Promise<Partial<Held>>][] = [
    ["another saga calls", () => Promise.resolve({ sagaId: randomUUID() })],
    ["the fencing token is older", (_, l) => Promise.resolve({ updaterGeneration: l.updaterGeneration - 1 })],
    [
      "the fencing token was not issued yet",
      (_, l) => Promise.resolve({ updaterGeneration: l.updaterGeneration + 1 }),
    ],
    [
      "a child saga inherited the lock",
      async (_, l) => {
        const inheritance = { ...l, parentSagaId: l.sagaId, sagaId: randomUUID(), lease: HOUR };
        await applied(inheritUpdate(sql, inheritance));
        return {};
      },
    ],
    [
      "another saga took the expired lease over",
      async (s) => {
        await expireLease(sql, s);
        await held(s);
        return {};
      },
    ],
    [
      "another saga locked the instance after the release",
      async (s, l) => {
        await applied(unlockUpdate(sql, l));
        await held(s);
        return {};
      },
    ],
  ];
  test.each(lost)("%s", async (_, lose) => {
    const s = await saying(sql, "failed");
    const lock = await held(s);
    const wrong = { ...lock, ...(await lose(s, lock)) };
    expect(await writingNothing(sql, () => unlockUpdate(sql, wrong))).toEqual({
      outcome: "conflict",
      reason: "lock_lost",
      ...s.row,
    });
  });
});

test("gone: the instance was deleted after the lock, or before it", async () => {
  const s = await unwound(sql);
  const lock = await held(s);
  await applied(deleteInstance(sql, s));
  for (const gone of [{ ...s, row: rowOf(s, "destroyed", 5) }, await deleted(sql)]) {
    const unlock = { ...lock, instanceId: gone.instanceId };
    expect(await writingNothing(sql, () => unlockUpdate(sql, unlock))).toEqual({
      outcome: "gone",
      reason: null,
      ...gone.row,
    });
  }
});

test("not_found: the instance does not exist", async () => {
  const lock = { ...(await held(await saying(sql, "failed"))), instanceId: unknown().instanceId };
  expect(await unlockUpdate(sql, lock)).toEqual({ outcome: "not_found", reason: null, ...NO_ROW });
});

test.each(["p_instance_id", "p_saga_id", "p_updater_generation"])("VM001 for %s null", async (argument) => {
  const lock = await held(await saying(sql, "failed"));
  const valid = {
    p_instance_id: lock.instanceId,
    p_saga_id: lock.sagaId,
    p_updater_generation: lock.updaterGeneration,
  };
  await expectInvalid(sql, "unlock_update", { ...valid, [argument]: null }, argument, /null/);
});
