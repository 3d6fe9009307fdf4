import { describe, expect, test } from "vitest";
import {
  beginUpdate,
  commitUpdate,
  createInstance,
  deleteInstance,
  inheritUpdate,
  reportVmm,
  unlockUpdate,
  unwindMigration,
  unwindStart,
} from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  applied,
  creating,
  deleted,
  expectInvalid,
  failed,
  handedOver,
  instance,
  migrated,
  migrating,
  migration,
  NO_ROW,
  rowOf,
  running,
  say,
  saying,
  starting,
  stopped,
  unknown,
  unwound,
  update,
  vmm,
  writingNothing,
  type Scenario,
} from "../scenario.js";

const { sql } = withDatabase();

describe("applied", () => {
  const states: [string, () => Promise<Scenario>, number][] = [
    ["creating", () => creating(sql), 2],
    ["stopped", () => stopped(sql), 3],
    ["failed", () => failed(sql), 5],
    // unlinking is an update of its own
    ["stopped with an unwound VMM", () => unwound(sql), 5],
    ["stopped after a migration", () => stoppedAfterMigration(), 6],
  ];
  test.each(states)("deletes an instance that is %s", async (_, reach, stateGeneration) => {
    const s = await reach();
    expect(await deleteInstance(sql, s)).toEqual({
      outcome: "applied",
      reason: null,
      ...rowOf(s, "destroyed", stateGeneration),
    });
    expect(await instance(sql, s)).toMatchObject({
      intended_state: "destroyed",
      updater_id: null,
      time_deleted: expect.any(String) as unknown,
    });
    expect(await writingNothing(sql, () => deleteInstance(sql, s))).toEqual({
      outcome: "unchanged",
      reason: null,
      ...rowOf(s, "destroyed", stateGeneration),
    });
  });

  test("unlinks the unwound VMM and does not delete it", async () => {
    const s = await unwound(sql);
    await applied(deleteInstance(sql, s));
    expect(await vmm(sql, s.propolisId)).toMatchObject({
      state: "saga_unwound",
      state_generation: 2,
      time_unlinked: expect.any(String) as unknown,
      time_deleted: null,
    });
  });

  test("unlinks a linked migration of an unwound VMM and deletes it; the live destination VMM can still report", async () => {
    const s = await migrating(sql);
    await say(sql, s, "destination", "migrating", "in_progress");
    await applied(unwindStart(sql, s.start));
    await applied(deleteInstance(sql, s));
    expect(await migration(sql, s.migrationId)).toMatchObject({
      time_deleted: expect.any(String) as unknown,
      destination_state: "in_progress",
    });
    const report = {
      instanceId: s.instanceId,
      propolisId: s.destinationId,
      state: "destroyed",
      generation: 3,
      time: new Date(),
      migrationInId: s.migrationId,
      migrationInState: "failed",
      migrationInGeneration: 3,
      migrationInTime: new Date(),
    } as const;
    expect(await reportVmm(sql, report)).toEqual({
      vmmOutcome: "applied",
      migrationInOutcome: "gone",
      migrationOutOutcome: null,
      updateNeeded: false,
      state: "destroyed",
      stateGeneration: 3,
    });
  });

  test("deletes past migrations", async () => {
    const s = await stoppedAfterMigration();
    await applied(deleteInstance(sql, s));
    expect(await migration(sql, s.migrationId)).toMatchObject({
      time_deleted: expect.any(String) as unknown,
    });
  });

  test("frees the name", async () => {
    const { create } = await deleted(sql);
    await applied(createInstance(sql, unknown({ projectId: create.projectId }).create));
  });

  test("deletes while an update saga holds the lock; its commit_update is gone", async () => {
    const s = await unwound(sql);
    const saga = { instanceId: s.instanceId, sagaId: s.migration.sagaId, lease: "1 hour" };
    const held = await applied(beginUpdate(sql, saga));
    await applied(deleteInstance(sql, s));

    const gone = { outcome: "gone", reason: null, ...rowOf(s, "destroyed", 5) };
    const { updaterGeneration, planToken } = held;
    const inheritance = { ...saga, parentSagaId: saga.sagaId, sagaId: s.start.sagaId, updaterGeneration };
    expect(await writingNothing(sql, () => beginUpdate(sql, saga))).toMatchObject(gone);
    expect(await writingNothing(sql, () => inheritUpdate(sql, inheritance))).toMatchObject(gone);
    expect(
      await writingNothing(sql, () => commitUpdate(sql, { ...saga, updaterGeneration, planToken })),
    ).toEqual(gone);
    expect(await writingNothing(sql, () => unlockUpdate(sql, { ...saga, updaterGeneration }))).toEqual(gone);
  });

  async function stoppedAfterMigration(): Promise<Scenario> {
    const s = await migrating(sql);
    await say(sql, s, "destination", "destroyed", "completed");
    await update(sql, s);
    return s;
  }
});

describe("conflict", () => {
  const states: [string, () => Promise<Scenario>][] = [
    ["creating", () => starting(sql)],
    ["starting", () => saying(sql, "starting")],
    ["running", () => running(sql)],
    ["stopping", () => saying(sql, "stopping")],
    ["stopped", () => saying(sql, "stopped")],
    ["rebooting", () => saying(sql, "rebooting")],
    ["migrating", () => saying(sql, "migrating")],
    ["failed", () => saying(sql, "failed")],
    ["destroyed", () => saying(sql, "destroyed")],
    ["the source of a migration", () => migrating(sql)],
    ["the destination of one", () => handedOver(sql)],
    ["where one led", () => migrated(sql)],
    [
      "running, and only its migration unwound",
      async () => {
        const s = await migrating(sql);
        await applied(unwindMigration(sql, s.migration));
        return { ...s, row: rowOf(s, "running", 4, s.propolisId, s.destinationId) };
      },
    ],
  ];
  test.each(states)("not_stopped: the active VMM is %s", async (_, reach) => {
    const s = await reach();
    expect(await writingNothing(sql, () => deleteInstance(sql, s))).toEqual({
      outcome: "conflict",
      reason: "not_stopped",
      ...s.row,
    });
  });
});

test("not_found: the instance does not exist", async () => {
  expect(await deleteInstance(sql, unknown())).toEqual({ outcome: "not_found", reason: null, ...NO_ROW });
});

test("VM001 for p_instance_id null", async () => {
  await expectInvalid(sql, "delete_instance", { p_instance_id: null }, "p_instance_id", /null/);
});
