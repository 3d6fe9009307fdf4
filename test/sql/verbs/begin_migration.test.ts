import { describe, expect, test } from "vitest";
import { beginMigration, beginStart, deleteVmm, requestStop, unwindStart } from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  anotherMigration,
  anotherStart,
  applied,
  call,
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
  unwoundMigration,
  update,
  vmm,
  writingNothing,
  type InstanceRow,
  type Scenario,
} from "../scenario.js";

const { sql } = withDatabase();

describe("applied", () => {
  test("inserts the destination VMM and the migration and links both", async () => {
    const s = await running(sql);
    expect(await beginMigration(sql, s.migration)).toEqual({
      outcome: "applied",
      reason: null,
      ...rowOf(s, "migrating", 4, s.propolisId, s.destinationId),
    });
    expect(await vmm(sql, s.destinationId)).toMatchObject({
      instance_id: s.instanceId,
      saga_id: s.migration.sagaId,
      sled_id: s.migration.sledId,
      propolis_ip: "fd00::2",
      propolis_port: 12400,
      state: "creating",
      state_generation: 1,
      time_unlinked: null,
    });
    expect(await migration(sql, s.migrationId)).toMatchObject({
      instance_id: s.instanceId,
      saga_id: s.migration.sagaId,
      source_propolis_id: s.propolisId,
      source_state: "pending",
      source_generation: 1,
      destination_propolis_id: s.destinationId,
      destination_state: "pending",
      destination_generation: 1,
      time_deleted: null,
    });
  });

  test("migrates a guest that is rebooting and that the user stops", async () => {
    const s = await saying(sql, "rebooting");
    await applied(requestStop(sql, s));
    expect(await beginMigration(sql, s.migration)).toMatchObject({
      outcome: "applied",
      apiState: "migrating",
    });
    expect(await instance(sql, s)).toMatchObject({ intended_state: "stopped" });
  });

  test("replaces an unwound destination and its migration directly", async () => {
    const s = await unwoundMigration(sql);
    const again = anotherMigration(s);
    expect(await beginMigration(sql, again)).toEqual({
      outcome: "applied",
      reason: null,
      ...rowOf(s, "migrating", 5, s.propolisId, again.destinationPropolisId),
      migrationId: again.migrationId,
    });
    expect(await vmm(sql, s.destinationId)).toMatchObject({
      state: "saga_unwound",
      time_unlinked: expect.any(String) as unknown,
    });
  });

  test("takes a port, and an expected generation that matches", async () => {
    const s = await running(sql);
    const given = { ...s.migration, propolisPort: 65535, expectedGeneration: 3 };
    expect(await beginMigration(sql, given)).toMatchObject({ outcome: "applied", stateGeneration: 4 });
    expect(await vmm(sql, s.destinationId)).toMatchObject({ propolis_port: 65535 });
  });

  test("migrates from the destination of an earlier migration", async () => {
    const s = await migrated(sql);
    const onward = { ...anotherMigration(s), sourcePropolisId: s.destinationId };
    expect(await beginMigration(sql, onward)).toEqual({
      outcome: "applied",
      reason: null,
      ...rowOf(s, "migrating", 6, s.destinationId, onward.destinationPropolisId),
      migrationId: onward.migrationId,
    });
  });

  test("has defaults for port and expected generation in SQL", async () => {
    const s = await running(sql);
    const [row] = await call(sql, "begin_migration", named(s));
    expect(row).toMatchObject({ outcome: "applied", state_generation: "4" });
    expect(await vmm(sql, s.destinationId)).toMatchObject({ propolis_port: 12400 });
  });
});

describe("unchanged", () => {
  const moves: [string, (s: Scenario) => Promise<unknown>, (s: Scenario) => InstanceRow][] = [
    ["at once", () => Promise.resolve(), (s) => s.row],
    [
      "when the destination VMM is there",
      (s) => say(sql, s, "destination", "migrating", "in_progress"),
      (s) => s.row,
    ],
    ["when the destination VMM died", (s) => say(sql, s, "destination", "failed"), (s) => s.row],
    [
      "when the migration failed and was unlinked",
      async (s) => {
        await say(sql, s, "destination", "destroyed", "failed");
        await update(sql, s);
      },
      (s) => rowOf(s, "running", 5, s.propolisId),
    ],
    [
      "when the migration completed",
      async (s) => {
        await say(sql, s, "destination", "running", "completed");
        await update(sql, s);
      },
      (s) => rowOf(s, "running", 5, s.destinationId),
    ],
    [
      "when the guest is gone",
      async (s) => {
        await say(sql, s, "destination", "destroyed", "completed");
        await update(sql, s);
      },
      (s) => rowOf(s, "stopped", 5),
    ],
  ];
  test.each(moves)("a replay %s, whatever the expected generation", async (_, move, row) => {
    const s = await migrating(sql);
    await move(s);
    const replay = { ...s.migration, expectedGeneration: 3 };
    expect(await writingNothing(sql, () => beginMigration(sql, replay))).toEqual({
      outcome: "unchanged",
      reason: null,
      ...row(s),
    });
  });
});

describe("conflict", () => {
  const notRunning: [string, () => Promise<Scenario>][] = [
    ["creating", () => creating(sql)],
    ["stopped", () => stopped(sql)],
    ["failed", () => failed(sql)],
    ["unwound", () => unwound(sql)],
    ["starting, its VMM creating", () => starting(sql)],
    ["starting", () => saying(sql, "starting")],
    ["stopping", () => saying(sql, "stopping")],
    ["stopping, its VMM stopped", () => saying(sql, "stopped")],
    ["stopping, its VMM failed", () => saying(sql, "failed")],
    ["stopping, its VMM destroyed", () => saying(sql, "destroyed")],
    ["migrating by itself", () => saying(sql, "migrating")],
    ["handed over to a VMM that is not running yet", () => handedOver(sql)],
  ];
  test.each(notRunning)("not_running: the instance is %s", async (_, reach) => {
    const s = await reach();
    const wrong = { ...anotherMigration(s), sourcePropolisId: s.instanceId, expectedGeneration: 99 };
    expect(await writingNothing(sql, () => beginMigration(sql, wrong))).toEqual({
      outcome: "conflict",
      reason: "not_running",
      ...s.row,
    });
  });

  test("wrong_source: the named VMM is not the active one, before any other reason", async () => {
    const s = await migrating(sql);
    const wrong = {
      ...anotherMigration(s),
      sourcePropolisId: s.destinationId,
      sledId: s.start.sledId,
      expectedGeneration: 99,
    };
    expect(await writingNothing(sql, () => beginMigration(sql, wrong))).toEqual({
      outcome: "conflict",
      reason: "wrong_source",
      ...s.row,
    });
  });

  test("wrong_source: the named VMM was active before a migration", async () => {
    const s = await migrated(sql);
    expect(await writingNothing(sql, () => beginMigration(sql, anotherMigration(s)))).toEqual({
      outcome: "conflict",
      reason: "wrong_source",
      ...s.row,
    });
  });

  const inProgress: [string, () => Promise<Scenario>, string][] = [
    ["creating", () => migrating(sql), "propolisId"],
    ["migrating", () => told("migrating"), "propolisId"],
    ["failed", () => told("failed"), "propolisId"],
    ["destroyed", () => told("destroyed"), "propolisId"],
    ["active after the hand-over", () => runningAfterHandOver(), "destinationId"],
  ];
  test.each(inProgress)("migration_in_progress: the destination VMM is %s", async (_, reach, source) => {
    const s = await reach();
    const sourcePropolisId = source === "propolisId" ? s.propolisId : s.destinationId;
    const active = await vmm(sql, sourcePropolisId);
    const wrong = {
      ...anotherMigration(s),
      sourcePropolisId,
      sledId: String(active["sled_id"]),
      expectedGeneration: 99,
    };
    expect(await writingNothing(sql, () => beginMigration(sql, wrong))).toEqual({
      outcome: "conflict",
      reason: "migration_in_progress",
      ...s.row,
    });
  });

  test("migration_in_progress: a start replaced the unwound source, and the migration is still linked", async () => {
    const s = await migrating(sql);
    await applied(unwindStart(sql, s.start));
    const start = anotherStart(s);
    await applied(beginStart(sql, start));
    await say(sql, { ...s, propolisId: start.propolisId }, "active", "running");
    const onward = { ...anotherMigration(s), sourcePropolisId: start.propolisId };
    expect(await writingNothing(sql, () => beginMigration(sql, onward))).toEqual({
      outcome: "conflict",
      reason: "migration_in_progress",
      ...rowOf(s, "running", 5, start.propolisId, s.destinationId),
    });
  });

  test("same_sled: the guest is on that sled already", async () => {
    const s = await running(sql);
    const wrong = { ...s.migration, sledId: s.start.sledId, expectedGeneration: 99 };
    expect(await writingNothing(sql, () => beginMigration(sql, wrong))).toEqual({
      outcome: "conflict",
      reason: "same_sled",
      ...s.row,
    });
  });

  test.each([2, 4])(
    "stale_generation: the generation is 3, not the expected %i",
    async (expectedGeneration) => {
      const [s, { propolisId: taken }] = [await running(sql), await running(sql)];
      const wrong = { ...s.migration, destinationPropolisId: taken, expectedGeneration };
      expect(await writingNothing(sql, () => beginMigration(sql, wrong))).toEqual({
        outcome: "conflict",
        reason: "stale_generation",
        ...s.row,
      });
    },
  );

  test.each([
    ["another instance's VMM", async () => (await running(sql)).propolisId],
    ["the source", (s: Scenario) => Promise.resolve(s.propolisId)],
  ])("propolis_id_taken: the id is that of %s", async (_, taken) => {
    const [s, { migrationId }] = [await running(sql), await migrating(sql)];
    const wrong = { ...s.migration, destinationPropolisId: await taken(s), migrationId };
    expect(await writingNothing(sql, () => beginMigration(sql, wrong))).toEqual({
      outcome: "conflict",
      reason: "propolis_id_taken",
      ...s.row,
    });
  });

  test("propolis_id_taken: a replay after unwind_migration of the same migration", async () => {
    const s = await unwoundMigration(sql);
    expect(await writingNothing(sql, () => beginMigration(sql, s.migration))).toEqual({
      outcome: "conflict",
      reason: "propolis_id_taken",
      ...s.row,
    });
  });

  test.each([
    ["another instance's migration", async () => (await migrating(sql)).migrationId],
    ["this instance's last migration", (s: Scenario) => Promise.resolve(s.migrationId)],
  ])("migration_id_taken: the id is that of %s; no VMM is inserted", async (_, taken) => {
    const s = await unwoundMigration(sql);
    const wrong = { ...anotherMigration(s), migrationId: await taken(s) };
    expect(await writingNothing(sql, () => beginMigration(sql, wrong))).toEqual({
      outcome: "conflict",
      reason: "migration_id_taken",
      ...s.row,
    });
  });

  test("migration_in_progress or wrong_source: the same VMM id by another saga, migration or source", async () => {
    const s = await migrating(sql);
    for (const other of [{ sagaId: s.start.sagaId }, { migrationId: s.start.sagaId }]) {
      expect(await beginMigration(sql, { ...s.migration, ...other })).toMatchObject({
        outcome: "conflict",
        reason: "migration_in_progress",
      });
    }
    const fromElsewhere = { ...s.migration, sourcePropolisId: s.start.sagaId };
    expect(await beginMigration(sql, fromElsewhere)).toMatchObject({
      outcome: "conflict",
      reason: "wrong_source",
    });
  });

  async function told(state: "migrating" | "failed" | "destroyed"): Promise<Scenario> {
    const s = await migrating(sql);
    await say(sql, s, "destination", state);
    return s;
  }

  async function runningAfterHandOver(): Promise<Scenario> {
    const s = await handedOver(sql);
    await say(sql, s, "destination", "running");
    return s;
  }
});

describe("gone", () => {
  test("the instance was deleted", async () => {
    const s = await deleted(sql);
    expect(await writingNothing(sql, () => beginMigration(sql, s.migration))).toEqual({
      outcome: "gone",
      reason: null,
      ...s.row,
    });
  });

  test("a replay after the destination VMM was deleted", async () => {
    const s = await unwoundMigration(sql);
    await update(sql, s);
    await applied(deleteVmm(sql, { ...s, propolisId: s.destinationId }));
    expect(await writingNothing(sql, () => beginMigration(sql, s.migration))).toEqual({
      outcome: "gone",
      reason: null,
      ...rowOf(s, "running", 5, s.propolisId),
    });
  });

  test("a replay after the migration was deleted with its source VMM", async () => {
    const s = await migrated(sql);
    await say(sql, s, "active", "destroyed");
    await applied(deleteVmm(sql, s));
    expect(await writingNothing(sql, () => beginMigration(sql, s.migration))).toEqual({
      outcome: "gone",
      reason: null,
      ...s.row,
    });
  });
});

test("not_found: the instance does not exist", async () => {
  expect(await writingNothing(sql, () => beginMigration(sql, unknown().migration))).toEqual({
    outcome: "not_found",
    reason: null,
    ...NO_ROW,
  });
});

test.each([
  ["p_instance_id", null, /null/],
  ["p_saga_id", null, /null/],
  ["p_migration_id", null, /null/],
  ["p_source_propolis_id", null, /null/],
  ["p_destination_propolis_id", null, /null/],
  ["p_sled_id", null, /null/],
  ["p_propolis_ip", null, /null/],
  ["p_propolis_port", -1, /-1/],
  ["p_propolis_port", 65536, /65536/],
])("VM001 for %s %s", async (argument, value, detail) => {
  const s = await running(sql);
  await expectInvalid(sql, "begin_migration", { ...named(s), [argument]: value }, argument, detail);
});

/** The arguments in SQL that have no default. */
function named({ migration: m }: Scenario): Record<string, string> {
  return {
    p_instance_id: m.instanceId,
    p_saga_id: m.sagaId,
    p_migration_id: m.migrationId,
    p_source_propolis_id: m.sourcePropolisId,
    p_destination_propolis_id: m.destinationPropolisId,
    p_sled_id: m.sledId,
    p_propolis_ip: m.propolisIp,
  };
}
