import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { beginStart, beginUpdate, commitUpdate, runUpdate } from "../../../src/index.js";
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
  saying,
  stopped,
  unknown,
  unwound,
  vmm,
  writingNothing,
  type Scenario,
} from "../scenario.js";
import { NO_PLANS, NO_PLAN_ROW, noPlanColumns, planColumns, PLANS, rowAfter } from "../plans.js";

const { sql } = withDatabase();

const sagaOf = (s: Scenario): { instanceId: string; sagaId: string } => ({
  instanceId: s.instanceId,
  sagaId: randomUUID(),
});

describe.each(PLANS)("$title", ({ reach, plan }) => {
  test("applied: returns the plan and the updated instance, which has no further plan", async () => {
    const s = await reach(sql);
    const saga = sagaOf(s);
    const before = await instance(sql, s);
    const updaterGeneration = Number(before["updater_generation"]) + 1;
    const after = rowAfter(s, plan);
    const planned = planColumns(s, plan) as { unlinkedPropolisIds: string[] };

    const answer = await applied(runUpdate(sql, saga));
    expect(answer).toEqual({
      outcome: "applied",
      reason: null,
      ...after,
      updaterId: null,
      updaterGeneration,
      updaterLeaseUntil: null,
      ...planned,
      planToken: expect.any(String) as unknown,
    });
    expect(await instance(sql, s)).toEqual({
      ...before,
      state: after.state,
      state_generation: after.stateGeneration,
      time_state_updated: expect.any(String) as unknown,
      active_propolis_id: after.activePropolisId,
      destination_propolis_id: after.destinationPropolisId,
      migration_id: after.migrationId,
      intended_state: plan.intent,
      updater_generation: updaterGeneration,
      released_updater_id: saga.sagaId,
      committed_updater_generation: updaterGeneration,
      committed_updater_id: saga.sagaId,
      committed_plan_token: answer.planToken,
    });
    for (const propolisId of planned.unlinkedPropolisIds) {
      expect(await vmm(sql, propolisId)).toMatchObject({ time_unlinked: expect.any(String) as unknown });
    }

    const replay = (): Promise<unknown> => runUpdate(sql, saga);
    expect(await writingNothing(sql, replay)).toMatchObject({ outcome: "unchanged", ...after });
  });
});

const nothing = [
  ...NO_PLANS,
  ["the instance has no VMM", stopped],
  ["the instance failed and has no VMM", failed],
] as typeof NO_PLANS;
test.each(nothing)("unchanged: no plan: %s", async (_, reach) => {
  const s = await reach(sql);
  const { updater_generation, intended_state } = await instance(sql, s);
  expect(await writingNothing(sql, () => runUpdate(sql, sagaOf(s)))).toEqual({
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

describe("the updater lock", () => {
  test("conflict/locked: another saga holds the lock", async () => {
    const s = await saying(sql, "failed");
    const held = await applied(beginUpdate(sql, { ...sagaOf(s), lease: "1 hour" }));
    expect(await writingNothing(sql, () => runUpdate(sql, sagaOf(s)))).toEqual({
      ...held,
      outcome: "conflict",
      reason: "locked",
    });
  });

  test("applied: the saga itself holds the lock, which is released", async () => {
    const s = await saying(sql, "failed");
    const saga = sagaOf(s);
    await applied(beginUpdate(sql, { ...saga, lease: "1 hour" }));
    expect(await runUpdate(sql, saga)).toMatchObject({ outcome: "applied", updaterLeaseUntil: null });
    expect(await instance(sql, s)).toMatchObject({ updater_id: null, updater_lease_until: null });
  });

  test("unchanged: no plan is left, and the saga's own lock is released", async () => {
    const s = await unwound(sql);
    const saga = sagaOf(s);
    await applied(beginUpdate(sql, { ...saga, lease: "1 hour" }));
    await applied(beginStart(sql, anotherStart(s)));
    expect(await runUpdate(sql, saga)).toMatchObject({ outcome: "unchanged", updaterLeaseUntil: null });
    expect(await instance(sql, s)).toMatchObject({ updater_id: null, updater_lease_until: null });
  });

  test("applied: another saga's lease expired, and its late commit is lock_lost", async () => {
    const s = await unwound(sql);
    const late = sagaOf(s);
    const { updaterGeneration, planToken } = await applied(beginUpdate(sql, { ...late, lease: "1 hour" }));
    await expireLease(sql, s);
    expect(await runUpdate(sql, sagaOf(s))).toMatchObject({ outcome: "applied", updaterGeneration: 3 });
    const commit = { ...late, updaterGeneration, planToken };
    expect(await writingNothing(sql, () => commitUpdate(sql, commit))).toMatchObject({
      outcome: "conflict",
      reason: "lock_lost",
    });
  });
});

test("gone: the instance was deleted", async () => {
  const s = await deleted(sql);
  expect(await writingNothing(sql, () => runUpdate(sql, sagaOf(s)))).toEqual({
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
  expect(await runUpdate(sql, sagaOf(unknown()))).toEqual({
    outcome: "not_found",
    reason: null,
    ...NO_ROW,
    ...NO_PLAN_ROW,
  });
});

test.each(["p_instance_id", "p_saga_id"])("VM001 for %s null", async (argument) => {
  const s = await saying(sql, "failed");
  const valid = { p_instance_id: s.instanceId, p_saga_id: randomUUID() };
  await expectInvalid(sql, "run_update", { ...valid, [argument]: null }, argument, /null/);
});
