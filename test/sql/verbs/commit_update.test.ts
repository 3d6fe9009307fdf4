import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  beginMigration,
  beginStart,
  beginUpdate,
  commitUpdate,
  deleteInstance,
  failVmm,
  inheritUpdate,
  requestStop,
  runUpdate,
  unlockUpdate,
  unwindMigration,
  unwindStart,
  type BeginUpdateResult,
  type CommitUpdateArguments,
} from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  anotherMigration,
  anotherStart,
  applied,
  deleted,
  expectInvalid,
  expireLease,
  instance,
  migrating,
  NO_ROW,
  rowOf,
  running,
  say,
  saying,
  starting,
  unknown,
  unwound,
  vmm,
  writingNothing,
  type Scenario,
} from "../scenario.js";

const { sql } = withDatabase();

const HOUR = "1 hour";

/** An update saga of its own took the lock; the arguments of its commit. */
async function begun(s: Scenario): Promise<CommitUpdateArguments> {
  const saga = { instanceId: s.instanceId, sagaId: randomUUID() };
  const answer: BeginUpdateResult = await applied(beginUpdate(sql, { ...saga, lease: HOUR }));
  return { ...saga, updaterGeneration: answer.updaterGeneration, planToken: answer.planToken };
}

test("applied: writes the plan, releases the lock, and stores its saga, token and plan", async () => {
  const s = await saying(sql, "failed");
  const commit = await begun(s);
  expect(await commitUpdate(sql, commit)).toEqual({
    outcome: "applied",
    reason: null,
    ...rowOf(s, "failed", 4),
  });
  expect(await instance(sql, s)).toMatchObject({
    updater_id: null,
    updater_generation: 2,
    updater_lease_until: null,
    committed_updater_generation: 2,
    committed_updater_id: commit.sagaId,
    committed_plan_token: commit.planToken,
    released_updater_id: commit.sagaId,
    intended_state: "running",
  });
  expect(await vmm(sql, s.propolisId)).toMatchObject({ time_unlinked: expect.any(String) as unknown });
});

test("applied: the lease expired, and no other saga took the lock", async () => {
  const s = await saying(sql, "failed");
  const commit = await begun(s);
  await expireLease(sql, s);
  expect(await commitUpdate(sql, commit)).toMatchObject({ outcome: "applied", ...rowOf(s, "failed", 4) });
});

describe("the plan is decided again at the commit:", () => {
  test("applied: the failed VMM became saga_unwound, so the instance becomes stopped, not failed", async () => {
    const s = await saying(sql, "failed");
    const commit = await begun(s);
    await applied(unwindStart(sql, s.start));
    expect(await commitUpdate(sql, commit)).toEqual({
      outcome: "applied",
      reason: null,
      ...rowOf(s, "stopped", 4),
    });
  });

  test("applied: the destroyed VMM became saga_unwound, so the intent does not become guest_shutdown", async () => {
    const s = await saying(sql, "destroyed");
    const commit = await begun(s);
    await applied(unwindStart(sql, s.start));
    await applied(commitUpdate(sql, commit));
    expect(await instance(sql, s)).toMatchObject({ state: "no_vmm", intended_state: "running" });
  });

  test("applied: the failed destination became saga_unwound", async () => {
    const s = await migrating(sql);
    await say(sql, s, "destination", "failed");
    const commit = await begun(s);
    await applied(unwindMigration(sql, s.migration));
    expect(await commitUpdate(sql, commit)).toMatchObject({
      outcome: "applied",
      ...rowOf(s, "running", 5, s.propolisId),
    });
  });

  test("applied: the guest shut down, and the user's stop remains the intent", async () => {
    const s = await saying(sql, "destroyed");
    const commit = await begun(s);
    await applied(requestStop(sql, s));
    await applied(commitUpdate(sql, commit));
    expect(await instance(sql, s)).toMatchObject({ state: "no_vmm", intended_state: "stopped" });
  });

  test("applied: the user stopped the instance, and it still becomes failed", async () => {
    const s = await saying(sql, "failed");
    const commit = await begun(s);
    await applied(requestStop(sql, s));
    expect(await commitUpdate(sql, commit)).toMatchObject({ outcome: "applied", apiState: "failed" });
    expect(await instance(sql, s)).toMatchObject({ intended_state: "stopped" });
  });

  test("applied: the guest shut down, so the intent running becomes guest_shutdown", async () => {
    const s = await saying(sql, "destroyed");
    await applied(commitUpdate(sql, await begun(s)));
    expect(await instance(sql, s)).toMatchObject({ intended_state: "guest_shutdown" });
  });
});

describe("unchanged", () => {
  const moves: [string, (s: Scenario) => Promise<unknown>, (s: Scenario) => object][] = [
    ["at once", () => Promise.resolve(), (s) => rowOf(s, "failed", 4)],
    ["when the user stopped the instance", (s) => requestStop(sql, s), (s) => rowOf(s, "stopped", 5)],
    [
      "when another update saga holds the lock",
      async (s) => {
        const start = { ...anotherStart(s), propolisId: s.destinationId };
        await applied(beginStart(sql, start));
        await applied(failVmm(sql, { ...start, reason: "operator" }));
        await begun(s);
      },
      (s) => rowOf(s, "stopping", 5, s.destinationId),
    ],
  ];
  test.each(moves)("a replay %s", async (_, move, row) => {
    const s = await saying(sql, "failed");
    const commit = await begun(s);
    await applied(commitUpdate(sql, commit));
    await move(s);
    expect(await writingNothing(sql, () => commitUpdate(sql, commit))).toEqual({
      outcome: "unchanged",
      reason: null,
      ...row(s),
    });
  });
});

describe("conflict/lock_lost:", () => {
  const lost: [
    string,
    (s: Scenario, commit: CommitUpdateArguments) => Promise<Partial<CommitUpdateArguments>>,
  ][] = [
    ["another saga calls", () => Promise.resolve({ sagaId: randomUUID() })],
    ["the fencing token is older", (_, c) => Promise.resolve({ updaterGeneration: c.updaterGeneration - 1 })],
    [
      "the fencing token was not issued yet",
      (_, c) => Promise.resolve({ updaterGeneration: c.updaterGeneration + 1 }),
    ],
    [
      "the saga unlocked the instance",
      async (_, c) => {
        await applied(unlockUpdate(sql, c));
        return {};
      },
    ],
    [
      "a child saga inherited the lock",
      async (_, c) => {
        const inheritance = { ...c, parentSagaId: c.sagaId, sagaId: randomUUID(), lease: HOUR };
        await applied(inheritUpdate(sql, inheritance));
        return {};
      },
    ],
    [
      "another saga took the expired lease over",
      async (s) => {
        await expireLease(sql, s);
        await begun(s);
        return {};
      },
    ],
    [
      "another saga took the expired lease over and committed",
      async (s) => {
        await expireLease(sql, s);
        await applied(commitUpdate(sql, await begun(s)));
        return {};
      },
    ],
  ];
  test.each(lost)("%s", async (_, lose) => {
    const s = await saying(sql, "failed");
    const commit = await begun(s);
    const wrong = { ...commit, ...(await lose(s, commit)) };
    const { state, state_generation } = await instance(sql, s);
    expect(await writingNothing(sql, () => commitUpdate(sql, wrong))).toMatchObject({
      outcome: "conflict",
      reason: "lock_lost",
      instanceId: s.instanceId,
      state,
      stateGeneration: state_generation,
    });
  });

  const otherCommits: [string, (c: CommitUpdateArguments) => Partial<CommitUpdateArguments>][] = [
    ["another saga, with its plan", () => ({ sagaId: randomUUID() })],
    ["the same saga, with another plan", () => ({ planToken: "999.nonsense" })],
    [
      "the same saga, with a plan of the same generation",
      (c) => ({ planToken: `${c.planToken.split(".")[0] ?? ""}.0` }),
    ],
    ["another saga, with another plan", () => ({ sagaId: randomUUID(), planToken: "999.nonsense" })],
  ];
  test.each(otherCommits)("the fencing token was committed, and comes from %s", async (_, wrong) => {
    const s = await saying(sql, "failed");
    const commit = await begun(s);
    await applied(commitUpdate(sql, commit));
    const other = { ...commit, ...wrong(commit) };
    expect(await writingNothing(sql, () => commitUpdate(sql, other))).toEqual({
      outcome: "conflict",
      reason: "lock_lost",
      ...rowOf(s, "failed", 4),
    });
    expect(await commitUpdate(sql, commit)).toMatchObject({ outcome: "unchanged" });
  });

  test("run_update committed with the token, of another saga or plan", async () => {
    const s = await saying(sql, "failed");
    const runner = { instanceId: s.instanceId, sagaId: randomUUID() };
    const { updaterGeneration, planToken } = await applied(runUpdate(sql, runner));
    const committed = { ...runner, updaterGeneration, planToken };
    for (const wrong of [{ sagaId: randomUUID() }, { planToken: "3.0" }])
      expect(await writingNothing(sql, () => commitUpdate(sql, { ...committed, ...wrong }))).toMatchObject({
        outcome: "conflict",
        reason: "lock_lost",
      });
    expect(await writingNothing(sql, () => commitUpdate(sql, committed))).toMatchObject({
      outcome: "unchanged",
    });
  });

  test("the saga held an older lock, and the token is that of a later run_update", async () => {
    const s = await saying(sql, "failed");
    const commit = await begun(s);
    await applied(unlockUpdate(sql, commit));
    const runner = { instanceId: s.instanceId, sagaId: randomUUID() };
    const { updaterGeneration } = await applied(runUpdate(sql, runner));
    expect(
      await writingNothing(sql, () => commitUpdate(sql, { ...commit, updaterGeneration })),
    ).toMatchObject({ outcome: "conflict", reason: "lock_lost" });
  });

  test("a replay after a later commit by another saga", async () => {
    const s = await saying(sql, "failed");
    const commit = await begun(s);
    await applied(commitUpdate(sql, commit));
    const start = anotherStart(s);
    await applied(beginStart(sql, start));
    await applied(failVmm(sql, { ...start, reason: "operator" }));
    await applied(runUpdate(sql, { instanceId: s.instanceId, sagaId: randomUUID() }));
    expect(await writingNothing(sql, () => commitUpdate(sql, commit))).toMatchObject({
      outcome: "conflict",
      reason: "lock_lost",
    });
  });
});

describe("conflict/stale_generation:", () => {
  test("a start replaced the unwound VMM since the plan; the lock stays", async () => {
    const s = await unwound(sql);
    const commit = await begun(s);
    const start = anotherStart(s);
    await applied(beginStart(sql, start));
    expect(await writingNothing(sql, () => commitUpdate(sql, commit))).toEqual({
      outcome: "conflict",
      reason: "stale_generation",
      ...rowOf(s, "starting", 4, start.propolisId),
    });
    expect(await instance(sql, s)).toMatchObject({ updater_id: commit.sagaId });
  });

  test("a migration replaced the unwound destination since the plan", async () => {
    const s = await migrating(sql);
    await applied(unwindMigration(sql, s.migration));
    const commit = await begun(s);
    await applied(beginMigration(sql, anotherMigration(s)));
    expect(await writingNothing(sql, () => commitUpdate(sql, commit))).toMatchObject({
      outcome: "conflict",
      reason: "stale_generation",
      apiState: "migrating",
      stateGeneration: 5,
    });
  });
});

describe("conflict/plan_changed:", () => {
  test("the destination that the plan makes active is dead", async () => {
    const s = await migrating(sql);
    await say(sql, s, "destination", "running", "completed");
    const commit = await begun(s);
    await say(sql, s, "destination", "failed");
    expect(await writingNothing(sql, () => commitUpdate(sql, commit))).toEqual({
      outcome: "conflict",
      reason: "plan_changed",
      ...s.row,
    });
  });

  test("the VMM that the plan terminates is dead already", async () => {
    const s = await migrating(sql);
    await say(sql, s, "destination", "running", "failed");
    const commit = await begun(s);
    await say(sql, s, "destination", "destroyed");
    expect(await writingNothing(sql, () => commitUpdate(sql, commit))).toEqual({
      outcome: "conflict",
      reason: "plan_changed",
      ...s.row,
    });
    expect(await commitUpdate(sql, { ...commit, ...(await again(commit)) })).toMatchObject({
      outcome: "applied",
    });
  });

  test("the source that the plan keeps is unwound", async () => {
    const s = await migrating(sql);
    await say(sql, s, "destination", "starting", "failed");
    const commit = await begun(s);
    await applied(unwindStart(sql, s.start));
    expect(await writingNothing(sql, () => commitUpdate(sql, commit))).toEqual({
      outcome: "conflict",
      reason: "plan_changed",
      ...rowOf(s, "stopped", 4, s.propolisId, s.destinationId),
    });
  });

  test("the token is that of another instance's plan, or malformed", async () => {
    const [s, other] = [await saying(sql, "failed"), await saying(sql, "failed")];
    const commit = await begun(s);
    const foreign = await begun(other);
    for (const planToken of [foreign.planToken, "", "plan"]) {
      const wrong = { ...commit, planToken };
      expect(await writingNothing(sql, () => commitUpdate(sql, wrong))).toMatchObject({
        outcome: "conflict",
        reason: "plan_changed",
      });
    }
  });

  async function again(commit: CommitUpdateArguments): Promise<{ planToken: string }> {
    const { planToken } = await applied(beginUpdate(sql, { ...commit, lease: HOUR }));
    return { planToken };
  }
});

test("applied: no plan is left, so only the lock is released", async () => {
  const s = await unwound(sql);
  const parent = await begun(s);
  const start = anotherStart(s);
  await applied(beginStart(sql, start));
  const child = { instanceId: s.instanceId, sagaId: randomUUID() };
  const { updaterGeneration, planToken } = await applied(
    inheritUpdate(sql, { ...parent, ...child, parentSagaId: parent.sagaId, lease: HOUR }),
  );
  expect(await commitUpdate(sql, { ...child, updaterGeneration, planToken })).toEqual({
    outcome: "applied",
    reason: null,
    ...rowOf(s, "starting", 4, start.propolisId),
  });
  expect(await instance(sql, s)).toMatchObject({ updater_id: null, committed_updater_generation: 3 });
});

test("gone: the instance was deleted, also for a replay", async () => {
  const s = await unwound(sql);
  const commit = await begun(s);
  await applied(commitUpdate(sql, commit));
  await applied(deleteInstance(sql, s));
  const other = await deleted(sql);
  expect(await writingNothing(sql, () => commitUpdate(sql, commit))).toEqual({
    outcome: "gone",
    reason: null,
    ...rowOf(s, "destroyed", 5),
  });
  expect(await commitUpdate(sql, { ...commit, instanceId: other.instanceId })).toEqual({
    outcome: "gone",
    reason: null,
    ...other.row,
  });
});

test("not_found: the instance does not exist", async () => {
  const commit = { ...(await begun(await saying(sql, "failed"))), instanceId: unknown().instanceId };
  expect(await writingNothing(sql, () => commitUpdate(sql, commit))).toEqual({
    outcome: "not_found",
    reason: null,
    ...NO_ROW,
  });
});

test("conflict/lock_lost: the lock is on another instance", async () => {
  const commit = await begun(await saying(sql, "failed"));
  const [other, fresh] = [await running(sql), await starting(sql)];
  for (const s of [other, fresh]) {
    expect(await commitUpdate(sql, { ...commit, instanceId: s.instanceId })).toEqual({
      outcome: "conflict",
      reason: "lock_lost",
      ...s.row,
    });
  }
});

test.each(["p_instance_id", "p_saga_id", "p_updater_generation", "p_plan_token"])(
  "VM001 for %s null",
  async (argument) => {
    const commit = await begun(await saying(sql, "failed"));
    const valid = {
      p_instance_id: commit.instanceId,
      p_saga_id: commit.sagaId,
      p_updater_generation: commit.updaterGeneration,
      p_plan_token: commit.planToken,
    };
    await expectInvalid(sql, "commit_update", { ...valid, [argument]: null }, argument, /null/);
  },
);
