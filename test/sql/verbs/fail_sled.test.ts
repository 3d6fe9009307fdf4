import { expect, test } from "vitest";
import { beginMigration, beginStart, deleteVmm, failSled, unwindStart } from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  applied,
  expectInvalid,
  migrated,
  migrating,
  migration,
  running,
  say,
  saying,
  stopped,
  update,
  vmm,
  writingNothing,
  type Scenario,
} from "../scenario.js";

const { sql } = withDatabase();

/** An instance whose first VMM is creating on this sled. */
async function startedOn(sledId: string): Promise<Scenario> {
  const s = await stopped(sql);
  const start = { ...s.start, sledId };
  await applied(beginStart(sql, start));
  return { ...s, start, propolisId: s.propolisId };
}

test("applied: fails every live VMM of the sled and returns one row for each, ordered by id", async () => {
  const { sledId } = (await running(sql)).start;
  const creating = await startedOn(sledId);
  const running_ = await startedOn(sledId);
  await say(sql, running_, "active", "running");
  const unwound = await startedOn(sledId);
  await applied(unwindStart(sql, unwound.start));
  const destroyed = await startedOn(sledId);
  await say(sql, destroyed, "active", "destroyed");
  const elsewhere = await running(sql);

  const before = await vmm(sql, elsewhere.propolisId);
  const answer = await failSled(sql, { sledId, reason: "sled_expunged" });
  const row = (s: Scenario, stateGeneration: number): unknown => ({
    outcome: "applied",
    reason: null,
    instanceId: s.instanceId,
    propolisId: s.propolisId,
    state: "failed",
    stateGeneration,
    updateNeeded: true,
  });
  expect(answer).toHaveLength(3);
  expect(answer).toContainEqual(row(creating, 2));
  expect(answer).toContainEqual(row(running_, 3));
  const ids = answer.map(({ propolisId }) => propolisId);
  expect(ids).toEqual(ids.toSorted());

  expect(await vmm(sql, creating.propolisId)).toMatchObject({
    state: "failed",
    failure_reason: "sled_expunged",
  });
  expect(await vmm(sql, unwound.propolisId)).toMatchObject({ state: "saga_unwound" });
  expect(await vmm(sql, destroyed.propolisId)).toMatchObject({ state: "destroyed", failure_reason: null });
  expect(await vmm(sql, elsewhere.propolisId)).toEqual(before);

  expect(await writingNothing(sql, () => failSled(sql, { sledId, reason: "sled_off" }))).toEqual([]);
});

test("applied: an unlinked source needs no update", async () => {
  const s = await migrated(sql);
  expect(await failSled(sql, { sledId: s.start.sledId, reason: "sled_off" })).toEqual([
    {
      outcome: "applied",
      reason: null,
      instanceId: s.instanceId,
      propolisId: s.propolisId,
      state: "failed",
      stateGeneration: 3,
      updateNeeded: false,
    },
  ]);
});

test("applied: writes no side of a migration from the sled or to the sled", async () => {
  const s = await migrating(sql);
  const other = await running(sql);
  await applied(beginMigration(sql, { ...other.migration, sledId: s.start.sledId }));
  const before = [await migration(sql, s.migrationId), await migration(sql, other.migrationId)];
  expect(await failSled(sql, { sledId: s.start.sledId, reason: "sled_off" })).toHaveLength(2);
  expect([await migration(sql, s.migrationId), await migration(sql, other.migrationId)]).toEqual(before);
});

test("no row: a deleted VMM, or an unknown sled", async () => {
  const s = await saying(sql, "destroyed");
  await update(sql, s);
  await applied(deleteVmm(sql, s));
  for (const sledId of [s.start.sledId, s.migration.sledId]) {
    expect(await writingNothing(sql, () => failSled(sql, { sledId, reason: "sled_off" }))).toEqual([]);
  }
});

test.each(["p_sled_id", "p_reason"])("VM001 for %s null", async (argument) => {
  const { start } = await running(sql);
  const valid = { p_sled_id: start.sledId, p_reason: "sled_off" };
  await expectInvalid(sql, "fail_sled", { ...valid, [argument]: null }, argument, /null/);
});
