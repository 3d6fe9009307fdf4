import { expect, test } from "vitest";
import { finishInstanceCreation } from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  creating,
  deleted,
  expectInvalid,
  failed,
  migrating,
  NO_ROW,
  rowOf,
  running,
  stopped,
  unknown,
  writingNothing,
  type Scenario,
} from "../scenario.js";

const { sql } = withDatabase();

test("applied: the instance shows stopped", async () => {
  const s = await creating(sql);
  expect(await finishInstanceCreation(sql, { instanceId: s.instanceId })).toEqual({
    outcome: "applied",
    reason: null,
    ...rowOf(s, "stopped", 2),
  });
});

const past: [string, () => Promise<Scenario>][] = [
  ["the creation is finished", () => stopped(sql)],
  ["the instance runs", () => running(sql)],
  ["the instance migrates", () => migrating(sql)],
  ["the instance failed", () => failed(sql)],
];
test.each(past)("unchanged: %s", async (_, reach) => {
  const s = await reach();
  expect(await writingNothing(sql, () => finishInstanceCreation(sql, { instanceId: s.instanceId }))).toEqual({
    outcome: "unchanged",
    reason: null,
    ...s.row,
  });
});

test("gone: the instance was deleted", async () => {
  const s = await deleted(sql);
  expect(await writingNothing(sql, () => finishInstanceCreation(sql, { instanceId: s.instanceId }))).toEqual({
    outcome: "gone",
    reason: null,
    ...s.row,
  });
});

test("not_found: the instance does not exist", async () => {
  expect(await finishInstanceCreation(sql, { instanceId: unknown().instanceId })).toEqual({
    outcome: "not_found",
    reason: null,
    ...NO_ROW,
  });
});

test("VM001 for p_id null", async () => {
  await expectInvalid(sql, "finish_instance_creation", { p_id: null }, "p_id", /null/);
});
