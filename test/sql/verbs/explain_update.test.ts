import { expect, test } from "vitest";
import { beginUpdate, explainUpdate } from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  applied,
  deleted,
  expectInvalid,
  failed,
  instance,
  NO_ROW,
  saying,
  stopped,
  unknown,
  writingNothing,
} from "../scenario.js";
import { NO_PLANS, NO_PLAN_ROW, noPlanColumns, planColumns, PLANS } from "../plans.js";

const { sql } = withDatabase();

test.each(PLANS)("applied: returns the plan and changes nothing: $title", async ({ reach, plan }) => {
  const s = await reach(sql);
  const { updater_generation } = await instance(sql, s);
  expect(await writingNothing(sql, () => explainUpdate(sql, s))).toEqual({
    outcome: "applied",
    reason: null,
    ...s.row,
    updaterId: null,
    updaterGeneration: updater_generation,
    updaterLeaseUntil: null,
    ...planColumns(s, plan),
    planToken: expect.any(String) as unknown,
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
  expect(await writingNothing(sql, () => explainUpdate(sql, s))).toEqual({
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

test("applied: shows the lock that an update saga holds", async () => {
  const s = await saying(sql, "failed");
  const held = await applied(
    beginUpdate(sql, { instanceId: s.instanceId, sagaId: s.start.sagaId, lease: "1 hour" }),
  );
  expect(await writingNothing(sql, () => explainUpdate(sql, s))).toEqual(held);
});

test("applied: in a read-only transaction", async () => {
  const s = await saying(sql, "failed");
  const answer = await sql.begin("read only", (transaction) => explainUpdate(transaction, s));
  expect(answer).toMatchObject({ outcome: "applied" });
});

test("gone: the instance was deleted", async () => {
  const s = await deleted(sql);
  expect(await explainUpdate(sql, s)).toMatchObject({ outcome: "gone", reason: null, ...s.row });
});

test("not_found: the instance does not exist", async () => {
  expect(await explainUpdate(sql, unknown())).toEqual({
    outcome: "not_found",
    reason: null,
    ...NO_ROW,
    ...NO_PLAN_ROW,
  });
});

test("VM001 for p_instance_id null", async () => {
  await expectInvalid(sql, "explain_update", { p_instance_id: null }, "p_instance_id", /null/);
});
