import { describe, expect, test } from "vitest";
import { deleteInstance, deleteVmm, type VmmState } from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  applied,
  expectInvalid,
  failed,
  handedOver,
  migrated,
  migrating,
  migration,
  running,
  say,
  saying,
  unknown,
  unwound,
  update,
  vmm,
  writingNothing,
  type Scenario,
} from "../scenario.js";

const { sql } = withDatabase();

const deletedAt = { time_deleted: expect.any(String) as unknown };

describe("applied", () => {
  const dead: [VmmState, () => Promise<Scenario>, number][] = [
    ["failed", () => saying(sql, "failed"), 3],
    ["destroyed", () => saying(sql, "destroyed"), 3],
    ["saga_unwound", () => unwound(sql), 2],
  ];
  test.each(dead)("deletes a VMM that is %s and unlinked, once", async (state, reach, stateGeneration) => {
    const s = await reach();
    await update(sql, s);
    expect(await deleteVmm(sql, s)).toEqual({ outcome: "applied", reason: null, state, stateGeneration });
    expect(await vmm(sql, s.propolisId)).toMatchObject(deletedAt);
    expect(await writingNothing(sql, () => deleteVmm(sql, s))).toEqual({
      outcome: "unchanged",
      reason: null,
      state,
      stateGeneration,
    });
  });

  test("deletes the VMM of a deleted instance", async () => {
    const s = await unwound(sql);
    await applied(deleteInstance(sql, s));
    expect(await deleteVmm(sql, s)).toMatchObject({ outcome: "applied" });
  });

  test("deletes the destination VMM and its migration, which no link needs", async () => {
    const s = await migrating(sql);
    await say(sql, s, "destination", "failed", "failed");
    await update(sql, s);
    await applied(deleteVmm(sql, { ...s, propolisId: s.destinationId }));
    expect(await migration(sql, s.migrationId)).toMatchObject(deletedAt);
    expect(await vmm(sql, s.propolisId)).toMatchObject({ time_deleted: null });
  });

  test("deletes the source VMM and its migration, which no link needs", async () => {
    const s = await migrated(sql);
    await say(sql, s, "active", "destroyed");
    await applied(deleteVmm(sql, s));
    expect(await migration(sql, s.migrationId)).toMatchObject(deletedAt);
    expect(await vmm(sql, s.destinationId)).toMatchObject({ time_deleted: null, state: "running" });
  });

  test("deletes the source VMM after the hand-over, but not the migration, which still decides", async () => {
    const s = await handedOver(sql);
    await say(sql, s, "active", "destroyed");
    await applied(deleteVmm(sql, s));
    expect(await migration(sql, s.migrationId)).toMatchObject({ time_deleted: null });
    await say(sql, s, "destination", "destroyed", "completed");
    await update(sql, s);
    await applied(deleteVmm(sql, { ...s, propolisId: s.destinationId }));
    expect(await migration(sql, s.migrationId)).toMatchObject(deletedAt);
  });

  test("leaves migrations of other VMMs", async () => {
    const s = await failed(sql);
    const other = await migrated(sql);
    await applied(deleteVmm(sql, s));
    expect(await migration(sql, other.migrationId)).toMatchObject({ time_deleted: null });
  });
});

describe("conflict", () => {
  const linked: [string, () => Promise<Scenario>, VmmState, number][] = [
    ["running", () => running(sql), "running", 2],
    ["failed", () => saying(sql, "failed"), "failed", 3],
    ["destroyed", () => saying(sql, "destroyed"), "destroyed", 3],
    ["unwound", () => unwound(sql), "saga_unwound", 2],
    [
      "the failed destination of a migration",
      async () => {
        const s = await migrating(sql);
        await say(sql, s, "destination", "failed");
        return { ...s, propolisId: s.destinationId };
      },
      "failed",
      2,
    ],
  ];
  test.each(linked)(
    "linked: the instance names the VMM, which is %s",
    async (_, reach, state, stateGeneration) => {
      const s = await reach();
      expect(await writingNothing(sql, () => deleteVmm(sql, s))).toEqual({
        outcome: "conflict",
        reason: "linked",
        state,
        stateGeneration,
      });
    },
  );

  test("not_destroyable: the VMM is alive, although no instance names it", async () => {
    const s = await migrated(sql);
    expect(await writingNothing(sql, () => deleteVmm(sql, s))).toEqual({
      outcome: "conflict",
      reason: "not_destroyable",
      state: "running",
      stateGeneration: 2,
    });
  });
});

describe("not_found", () => {
  const nothing = { outcome: "not_found", reason: null, state: null, stateGeneration: null };

  test("the VMM does not exist", async () => {
    expect(await deleteVmm(sql, unknown())).toEqual(nothing);
  });

  test("the VMM is another instance's", async () => {
    const [s, other] = [await failed(sql), await failed(sql)];
    const mixed = { instanceId: s.instanceId, propolisId: other.propolisId };
    expect(await writingNothing(sql, () => deleteVmm(sql, mixed))).toEqual(nothing);
  });
});

test.each(["p_instance_id", "p_propolis_id"])("VM001 for %s null", async (argument) => {
  const s = await failed(sql);
  const valid = { p_instance_id: s.instanceId, p_propolis_id: s.propolisId };
  await expectInvalid(sql, "delete_vmm", { ...valid, [argument]: null }, argument, /null/);
});
