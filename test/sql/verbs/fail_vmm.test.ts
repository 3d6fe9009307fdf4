import { describe, expect, test } from "vitest";
import {
  deleteVmm,
  failVmm,
  type FailureReason,
  type ReportedVmmState,
  type VmmState,
} from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  applied,
  deleted,
  expectInvalid,
  failed,
  instance,
  migrated,
  migrating,
  migration,
  running,
  saying,
  starting,
  unknown,
  unwound,
  vmm,
  writingNothing,
  type Scenario,
} from "../scenario.js";

const { sql } = withDatabase();

describe("applied", () => {
  const reasons: FailureReason[] = [
    "sled_agent_report",
    "no_such_vmm",
    "sled_expunged",
    "sled_off",
    "operator",
  ];
  test.each(reasons)("fails a VMM for the reason %s; the update saga is needed", async (reason) => {
    const s = await running(sql);
    const before = await instance(sql, s);
    expect(await failVmm(sql, { ...s, reason })).toEqual({
      outcome: "applied",
      reason: null,
      state: "failed",
      stateGeneration: 3,
      updateNeeded: true,
    });
    expect(await vmm(sql, s.propolisId)).toMatchObject({ state: "failed", failure_reason: reason });
    expect(await instance(sql, s)).toEqual(before);
  });

  const live: ReportedVmmState[] = ["starting", "running", "stopping", "stopped", "rebooting", "migrating"];
  test.each(live)("fails a VMM that is %s", async (state) => {
    const s = await saying(sql, state);
    expect(await failVmm(sql, { ...s, reason: "operator" })).toMatchObject({
      outcome: "applied",
      stateGeneration: 4,
    });
  });

  test("fails a VMM that is creating, at the expected generation", async () => {
    const s = await starting(sql);
    expect(await failVmm(sql, { ...s, reason: "operator", expectedGeneration: 1 })).toEqual({
      outcome: "applied",
      reason: null,
      state: "failed",
      stateGeneration: 2,
      updateNeeded: true,
    });
  });

  test("fails an unlinked VMM, which needs no update", async () => {
    const s = await migrated(sql);
    expect(await failVmm(sql, { ...s, reason: "operator" })).toEqual({
      outcome: "applied",
      reason: null,
      state: "failed",
      stateGeneration: 3,
      updateNeeded: false,
    });
  });

  test.each(["propolisId", "destinationId"] as const)("writes no side of a migration: %s", async (side) => {
    const s = await migrating(sql);
    const before = await migration(sql, s.migrationId);
    const failure = { instanceId: s.instanceId, propolisId: s[side], reason: "sled_off" } as const;
    expect(await failVmm(sql, failure)).toMatchObject({ outcome: "applied", updateNeeded: true });
    expect(await migration(sql, s.migrationId)).toEqual(before);
  });
});

describe("terminal", () => {
  const dead: [VmmState, () => Promise<Scenario>, number][] = [
    ["failed", () => saying(sql, "failed"), 3],
    ["failed", () => failed(sql), 3],
    ["destroyed", () => saying(sql, "destroyed"), 3],
    ["saga_unwound", () => unwound(sql), 2],
  ];
  test.each(dead)(
    "the VMM is %s already, at any expected generation",
    async (state, reach, stateGeneration) => {
      const s = await reach();
      for (const expectedGeneration of [undefined, stateGeneration, 99]) {
        const failure = { ...s, reason: "operator", expectedGeneration } as const;
        expect(await writingNothing(sql, () => failVmm(sql, failure))).toEqual({
          outcome: "terminal",
          reason: null,
          state,
          stateGeneration,
          updateNeeded: false,
        });
      }
    },
  );

  test("a replay with another reason, which is not stored", async () => {
    const s = await running(sql);
    await applied(failVmm(sql, { ...s, reason: "sled_off", expectedGeneration: 2 }));
    const replay = { ...s, reason: "operator", expectedGeneration: 2 } as const;
    expect(await writingNothing(sql, () => failVmm(sql, replay))).toMatchObject({ outcome: "terminal" });
  });
});

test.each([1, 3])(
  "conflict/stale_generation: the generation is 2, not the expected %i",
  async (expectedGeneration) => {
    const s = await running(sql);
    const failure = { ...s, reason: "operator", expectedGeneration } as const;
    expect(await writingNothing(sql, () => failVmm(sql, failure))).toEqual({
      outcome: "conflict",
      reason: "stale_generation",
      state: "running",
      stateGeneration: 2,
      updateNeeded: false,
    });
  },
);

test("gone: the VMM was deleted", async () => {
  const s = await failed(sql);
  await applied(deleteVmm(sql, s));
  const failure = { ...s, reason: "operator", expectedGeneration: 99 } as const;
  expect(await writingNothing(sql, () => failVmm(sql, failure))).toEqual({
    outcome: "gone",
    reason: null,
    state: "failed",
    stateGeneration: 3,
    updateNeeded: false,
  });
});

describe("not_found", () => {
  const nothing = {
    outcome: "not_found",
    reason: null,
    state: null,
    stateGeneration: null,
    updateNeeded: false,
  };

  test("the VMM does not exist", async () => {
    expect(await failVmm(sql, { ...unknown(), reason: "operator" })).toEqual(nothing);
    expect(await failVmm(sql, { ...(await deleted(sql)), reason: "operator" })).toEqual(nothing);
  });

  test("the VMM is another instance's", async () => {
    const [s, other] = [await running(sql), await running(sql)];
    const mixed = { instanceId: s.instanceId, propolisId: other.propolisId, reason: "operator" } as const;
    expect(await writingNothing(sql, () => failVmm(sql, mixed))).toEqual(nothing);
  });
});

test.each(["p_instance_id", "p_propolis_id", "p_reason"])("VM001 for %s null", async (argument) => {
  const s = await running(sql);
  const valid = { p_instance_id: s.instanceId, p_propolis_id: s.propolisId, p_reason: "operator" };
  await expectInvalid(sql, "fail_vmm", { ...valid, [argument]: null }, argument, /null/);
});
