import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  beginStart,
  beginUpdate,
  commitUpdate,
  inheritUpdate,
  unlockUpdate,
  type BeginUpdateArguments,
  type InheritUpdateArguments,
} from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  addressesOf,
  anotherStart,
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
  writingNothing,
  type Scenario,
} from "../scenario.js";
import { NO_PLAN_ROW } from "../plans.js";

const { sql } = withDatabase();

const HOUR = "1 hour";

/** A parent saga took the lock; the arguments with which a child inherits it. */
async function held(s: Scenario, lease = HOUR): Promise<InheritUpdateArguments> {
  const parent: BeginUpdateArguments = { instanceId: s.instanceId, sagaId: randomUUID(), lease };
  const { updaterGeneration } = await applied(beginUpdate(sql, parent));
  return {
    instanceId: s.instanceId,
    parentSagaId: parent.sagaId,
    updaterGeneration,
    sagaId: randomUUID(),
    lease: HOUR,
  };
}

async function remaining(s: Scenario): Promise<number> {
  const [row] = await sql<{ seconds: number }[]>`
    select extract(epoch from updater_lease_until - clock_timestamp())::float8 as seconds
    from vmstate.instance where id = ${s.instanceId}`;
  return row?.seconds ?? NaN;
}

describe("applied", () => {
  test("gives the child the lock at the next generation, and the plan", async () => {
    const s = await saying(sql, "failed");
    const inheritance = await held(s);
    expect(await inheritUpdate(sql, inheritance)).toEqual({
      outcome: "applied",
      reason: null,
      ...s.row,
      updaterId: inheritance.sagaId,
      updaterGeneration: 3,
      updaterLeaseUntil: expect.any(Date) as unknown,
      newState: "failed",
      newActivePropolisId: null,
      newDestinationPropolisId: null,
      newMigrationId: null,
      newIntendedState: "running",
      network: "delete",
      networkPropolisId: null,
      unlinkedPropolisIds: [s.propolisId],
      terminatePropolisIds: [],
      networkVmm: null,
      unlinkedVmms: addressesOf(s, [s.propolisId]),
      terminateVmms: [],
      planToken: expect.any(String) as unknown,
    });
    expect(await instance(sql, s)).toMatchObject({
      updater_id: inheritance.sagaId,
      updater_parent_id: inheritance.parentSagaId,
      updater_generation: 3,
      committed_updater_generation: null,
      state_generation: 3,
    });
  });

  test("lets the child commit, and the parent no longer", async () => {
    const s = await saying(sql, "failed");
    const inheritance = await held(s);
    const child = await applied(inheritUpdate(sql, inheritance));
    const { planToken } = child;
    const parent = { ...inheritance, sagaId: inheritance.parentSagaId, planToken };
    expect(await writingNothing(sql, () => commitUpdate(sql, parent))).toMatchObject({ reason: "lock_lost" });
    expect(
      await commitUpdate(sql, { ...inheritance, planToken, updaterGeneration: child.updaterGeneration }),
    ).toMatchObject({ outcome: "applied", ...rowOf(s, "failed", 4) });
  });

  test("lets a grandchild inherit from the child", async () => {
    const s = await saying(sql, "failed");
    const inheritance = await held(s);
    const { updaterGeneration } = await applied(inheritUpdate(sql, inheritance));
    const grandchild = {
      ...inheritance,
      parentSagaId: inheritance.sagaId,
      sagaId: randomUUID(),
      updaterGeneration,
    };
    expect(await inheritUpdate(sql, grandchild)).toMatchObject({ outcome: "applied", updaterGeneration: 4 });
  });

  test("extends the lease, and never shortens it", async () => {
    const s = await saying(sql, "failed");
    const inheritance = await held(s, "2 hours");
    await applied(inheritUpdate(sql, { ...inheritance, lease: "1 second" }));
    expect(await remaining(s)).toBeGreaterThan(7100);

    const other = await saying(sql, "failed");
    await applied(inheritUpdate(sql, { ...(await held(other, "1 minute")), lease: HOUR }));
    expect(await remaining(other)).toBeGreaterThan(3500);
    expect(await remaining(other)).toBeLessThanOrEqual(3600);
  });

  test("takes a lease of up to 1 day", async () => {
    const s = await saying(sql, "failed");
    await applied(inheritUpdate(sql, { ...(await held(s)), lease: "1 day" }));
    expect(await remaining(s)).toBeGreaterThan(86_300);
    expect(await remaining(s)).toBeLessThanOrEqual(86_400);
  });

  test("inherits a lock whose lease expired, if no other saga took it", async () => {
    const s = await saying(sql, "failed");
    const inheritance = await held(s);
    await expireLease(sql, s);
    expect(await inheritUpdate(sql, inheritance)).toMatchObject({ outcome: "applied", updaterGeneration: 3 });
    expect(await remaining(s)).toBeGreaterThan(3500);
  });

  test("keeps the lock when there is no plan any more", async () => {
    const s = await unwound(sql);
    const inheritance = await held(s);
    const start = anotherStart(s);
    await applied(beginStart(sql, start));
    expect(await inheritUpdate(sql, inheritance)).toMatchObject({
      outcome: "applied",
      ...rowOf(s, "starting", 4, start.propolisId),
      updaterGeneration: 3,
      network: "keep",
      unlinkedPropolisIds: [],
      terminatePropolisIds: [],
    });
    expect(await instance(sql, s)).toMatchObject({ updater_id: inheritance.sagaId });
  });
});

test("unchanged: a replay by the child, which does not extend the lease", async () => {
  const s = await saying(sql, "failed");
  const inheritance = await held(s);
  const first = await inheritUpdate(sql, inheritance);
  const replay = { ...inheritance, lease: "2 hours" };
  expect(await writingNothing(sql, () => inheritUpdate(sql, replay))).toEqual({
    ...first,
    outcome: "unchanged",
  });
});

describe("conflict/lock_lost:", () => {
  type Wrong = Partial<InheritUpdateArguments>;
  const lost: [string, (s: Scenario, i: InheritUpdateArguments) => Promise<Wrong>][] = [
    ["the parent is another saga", () => Promise.resolve({ parentSagaId: randomUUID() })],
    ["the fencing token is older", (_, i) => Promise.resolve({ updaterGeneration: i.updaterGeneration - 1 })],
    [
      "the fencing token was not issued yet",
      (_, i) => Promise.resolve({ updaterGeneration: i.updaterGeneration + 1 }),
    ],
    [
      "the parent unlocked the instance",
      async (_, i) => {
        await applied(unlockUpdate(sql, { ...i, sagaId: i.parentSagaId }));
        return {};
      },
    ],
    [
      "another child inherited already",
      async (_, i) => {
        await applied(inheritUpdate(sql, { ...i, sagaId: randomUUID() }));
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
      "another parent names the saga that inherited",
      async (_, i) => {
        await applied(inheritUpdate(sql, i));
        return { parentSagaId: randomUUID() };
      },
    ],
    [
      "the saga holds the lock by its own begin_update, with the next token",
      async (s, i) => {
        await expireLease(sql, s);
        await applied(beginUpdate(sql, { ...i, lease: HOUR }));
        return {};
      },
    ],
    [
      "the child has committed since",
      async (_, i) => {
        const { updaterGeneration, planToken } = await applied(inheritUpdate(sql, i));
        await applied(commitUpdate(sql, { ...i, updaterGeneration, planToken }));
        return {};
      },
    ],
  ];
  test.each(lost)("%s", async (_, lose) => {
    const s = await saying(sql, "failed");
    const inheritance = await held(s);
    const wrong = { ...inheritance, ...(await lose(s, inheritance)) };
    const { updater_generation } = await instance(sql, s);
    expect(await writingNothing(sql, () => inheritUpdate(sql, wrong))).toMatchObject({
      outcome: "conflict",
      reason: "lock_lost",
      instanceId: s.instanceId,
      updaterGeneration: updater_generation,
    });
  });
});

test("gone: the instance was deleted", async () => {
  const s = await deleted(sql);
  const inheritance = { ...(await held(await saying(sql, "failed"))), instanceId: s.instanceId };
  expect(await writingNothing(sql, () => inheritUpdate(sql, inheritance))).toMatchObject({
    outcome: "gone",
    reason: null,
    ...s.row,
  });
});

test("not_found: the instance does not exist", async () => {
  const inheritance = { ...(await held(await saying(sql, "failed"))), instanceId: unknown().instanceId };
  expect(await inheritUpdate(sql, inheritance)).toEqual({
    outcome: "not_found",
    reason: null,
    ...NO_ROW,
    ...NO_PLAN_ROW,
  });
});

test.each([
  ["p_instance_id", null, /null/],
  ["p_parent_saga_id", null, /null/],
  ["p_updater_generation", null, /null/],
  ["p_saga_id", null, /null/],
  ["p_lease", null, /null/],
  ["p_lease", "0", /00:00:00/],
  ["p_lease", "-1 seconds", /-00:00:01/],
  ["p_lease", "1 day 00:00:00.000001", /at most 1 day/],
  ["p_lease", "1 mon", /at most 1 day/],
  ["p_lease", "1000000 years", /1000000 years/],
])("VM001 for %s %s", async (argument, value, detail) => {
  const i = await held(await saying(sql, "failed"));
  const valid = {
    p_instance_id: i.instanceId,
    p_parent_saga_id: i.parentSagaId,
    p_updater_generation: i.updaterGeneration,
    p_saga_id: i.sagaId,
    p_lease: HOUR,
  };
  await expectInvalid(sql, "inherit_update", { ...valid, [argument]: value }, argument, detail);
});
