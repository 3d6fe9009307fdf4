import { describe, expect, test } from "vitest";
import {
  apiInstance,
  beginMigration,
  deleteInstance,
  deleteVmm,
  failVmm,
  unwindMigration,
  unwindStart,
  type MigrationState,
  type ReportedVmmState,
} from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  anotherMigration,
  applied,
  expectInvalid,
  handedOver,
  instance,
  migrated,
  migrating,
  migration,
  say,
  unknown,
  update,
  vmm,
  writingNothing,
  type Scenario,
} from "../scenario.js";

const { sql } = withDatabase();

describe("applied", () => {
  test("sets the destination VMM to saga_unwound and both sides to failed; the instance shows its state from before", async () => {
    const s = await migrating(sql);
    const before = await version(s);
    expect(await unwindMigration(sql, s.migration)).toEqual({
      outcome: "applied",
      reason: null,
      state: "saga_unwound",
      stateGeneration: 2,
    });
    expect(await version(s)).toEqual(before);
    expect(await apiInstance(sql, s)).toMatchObject({ state: "running" });
    expect(await vmm(sql, s.destinationId)).toMatchObject({ state: "saga_unwound", time_unlinked: null });
    expect(await vmm(sql, s.propolisId)).toMatchObject({ state: "running", state_generation: 2 });
    expect(await migration(sql, s.migrationId)).toMatchObject({
      source_state: "failed",
      source_generation: 2,
      destination_state: "failed",
      destination_generation: 2,
      time_deleted: null,
    });
  });

  const reported: [ReportedVmmState, MigrationState, MigrationState][] = [
    ["starting", "pending", "pending"],
    ["migrating", "in_progress", "in_progress"],
    ["running", "in_progress", "failed"],
    ["stopping", "failed", "in_progress"],
    ["stopped", "failed", "failed"],
    ["rebooting", "in_progress", "pending"],
    ["failed", "in_progress", "failed"],
    ["destroyed", "in_progress", "in_progress"],
  ];
  test.each(reported)(
    "the VMM is %s, its side %s, the source's side %s",
    async (state, destination, source) => {
      const s = await migrating(sql);
      await say(sql, s, "destination", state, destination);
      await say(sql, s, "active", "running", source);
      const before = await version(s);
      expect(await unwindMigration(sql, s.migration)).toEqual({
        outcome: "applied",
        reason: null,
        state: "saga_unwound",
        stateGeneration: 3,
      });
      expect(await version(s)).toEqual(before);
      expect(await vmm(sql, s.destinationId)).toMatchObject({ state: "saga_unwound", failure_reason: null });
      expect(await migration(sql, s.migrationId)).toMatchObject({
        source_state: "failed",
        source_generation: source === "failed" ? 2 : 3,
        destination_state: "failed",
        destination_generation: destination === "failed" ? 2 : 3,
      });
    },
  );

  test("the migration failed and is unlinked, its destination VMM alive", async () => {
    const s = await migrating(sql);
    await say(sql, s, "destination", "running", "failed");
    await update(sql, s);
    expect(await unwindMigration(sql, s.migration)).toMatchObject({
      outcome: "applied",
      state: "saga_unwound",
    });
    expect(await apiInstance(sql, s)).toMatchObject({ state: "running" });
  });

  test("the source's start is unwound", async () => {
    const s = await migrating(sql);
    await applied(unwindStart(sql, s.start));
    expect(await unwindMigration(sql, s.migration)).toMatchObject({ outcome: "applied" });
    expect(await apiInstance(sql, s)).toMatchObject({ state: "stopped" });
  });

  test("the source VMM is dead: the instance shows stopping until the update saga unlinks the VMM", async () => {
    const s = await migrating(sql);
    await applied(failVmm(sql, { ...s, reason: "sled_off" }));
    await applied(unwindMigration(sql, s.migration));
    expect(await apiInstance(sql, s)).toMatchObject({ state: "stopping" });
  });
});

describe("unchanged", () => {
  const moves: [string, (s: Scenario) => Promise<unknown>][] = [
    ["at once", () => Promise.resolve()],
    [
      "when another migration replaced the unwound one",
      (s) => applied(beginMigration(sql, anotherMigration(s))),
    ],
    ["when the update saga unlinked the migration", (s) => update(sql, s)],
  ];
  test.each(moves)("a replay %s", async (_, move) => {
    const s = await migrating(sql);
    await applied(unwindMigration(sql, s.migration));
    await move(s);
    expect(await writingNothing(sql, () => unwindMigration(sql, s.migration))).toEqual({
      outcome: "unchanged",
      reason: null,
      state: "saga_unwound",
      stateGeneration: 2,
    });
  });

  test.each(["failed", "destroyed"] as const)(
    "a destination that is %s and unlinked stays so",
    async (state) => {
      const s = await migrating(sql);
      await say(sql, s, "destination", state);
      await update(sql, s);
      expect(await writingNothing(sql, () => unwindMigration(sql, s.migration))).toEqual({
        outcome: "unchanged",
        reason: null,
        state,
        stateGeneration: 2,
      });
    },
  );
});

describe("conflict", () => {
  test("wrong_saga: another saga began the migration, unwound or not", async () => {
    const s = await migrating(sql);
    const other = { ...s.migration, sagaId: s.start.sagaId };
    expect(await writingNothing(sql, () => unwindMigration(sql, other))).toEqual({
      outcome: "conflict",
      reason: "wrong_saga",
      state: "creating",
      stateGeneration: 1,
    });
    await applied(unwindMigration(sql, s.migration));
    expect(await writingNothing(sql, () => unwindMigration(sql, other))).toEqual({
      outcome: "conflict",
      reason: "wrong_saga",
      state: "saga_unwound",
      stateGeneration: 2,
    });
  });

  const handOvers: [string, () => Promise<Scenario>, string, number][] = [
    [
      "the source side completed",
      async () => {
        const s = await migrating(sql);
        await say(sql, s, "active", "running", "completed");
        return s;
      },
      "creating",
      1,
    ],
    ["the destination side completed", () => destinationCompleted("running"), "running", 2],
    ["the destination side completed, and its VMM died", () => destinationCompleted("failed"), "failed", 2],
    ["the destination VMM is active", () => handedOver(sql), "migrating", 2],
    ["the migration is completed and unlinked", () => migrated(sql), "running", 2],
  ];
  test.each(handOvers)("handed_over: %s", async (_, reach, state, stateGeneration) => {
    const s = await reach();
    expect(await writingNothing(sql, () => unwindMigration(sql, s.migration))).toEqual({
      outcome: "conflict",
      reason: "handed_over",
      state,
      stateGeneration,
    });
  });

  async function destinationCompleted(state: ReportedVmmState): Promise<Scenario> {
    const s = await migrating(sql);
    await say(sql, s, "destination", state, "completed");
    return s;
  }
});

describe("gone", () => {
  test("the destination VMM was deleted, and the migration with it", async () => {
    const s = await migrating(sql);
    await say(sql, s, "destination", "failed");
    await update(sql, s);
    await applied(deleteVmm(sql, { ...s, propolisId: s.destinationId }));
    expect(await writingNothing(sql, () => unwindMigration(sql, s.migration))).toEqual({
      outcome: "gone",
      reason: null,
      state: "failed",
      stateGeneration: 2,
    });
  });

  test("the instance was deleted, and the migration with it", async () => {
    const s = await migrating(sql);
    await applied(unwindMigration(sql, s.migration));
    await applied(unwindStart(sql, s.start));
    await applied(deleteInstance(sql, s));
    expect(await writingNothing(sql, () => unwindMigration(sql, s.migration))).toEqual({
      outcome: "gone",
      reason: null,
      state: "saga_unwound",
      stateGeneration: 2,
    });
  });
});

describe("not_found", () => {
  const nothing = { outcome: "not_found", reason: null, state: null, stateGeneration: null };

  test("the migration does not exist", async () => {
    expect(await unwindMigration(sql, unknown().migration)).toEqual(nothing);
  });

  test("the migration is another instance's", async () => {
    const [s, other] = [await migrating(sql), await migrating(sql)];
    const mixed = { ...s.migration, instanceId: other.instanceId };
    expect(await writingNothing(sql, () => unwindMigration(sql, mixed))).toEqual(nothing);
  });
});

test("the update saga unlinks the unwound destination and keeps the active VMM", async () => {
  const s = await migrating(sql);
  await applied(unwindMigration(sql, s.migration));
  await update(sql, s);
  expect(await instance(sql, s)).toMatchObject({
    state: "vmm",
    state_generation: 5,
    active_propolis_id: s.propolisId,
    destination_propolis_id: null,
    migration_id: null,
  });
});

test.each(["p_instance_id", "p_saga_id", "p_migration_id"])("VM001 for %s null", async (argument) => {
  const { migration: m } = await migrating(sql);
  const valid = { p_instance_id: m.instanceId, p_saga_id: m.sagaId, p_migration_id: m.migrationId };
  await expectInvalid(sql, "unwind_migration", { ...valid, [argument]: null }, argument, /null/);
});

/** The version of the instance's row. */
async function version({ instanceId }: Scenario): Promise<unknown[]> {
  return [
    ...(await sql`select xmin::text, to_jsonb(i) from vmstate.instance as i where i.id = ${instanceId}`),
  ];
}
