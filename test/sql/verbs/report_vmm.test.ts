import { describe, expect, test } from "vitest";
import {
  deleteInstance,
  deleteVmm,
  reportVmm,
  reportVmms,
  unwindMigration,
  type MigrationState,
  type ReportedVmmState,
  type ReportVmmResult,
  type VmmState,
} from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  applied,
  clock,
  failed,
  instance,
  isSince,
  migrated,
  migrating,
  running,
  say,
  saying,
  starting,
  unwound,
  update,
  vmm,
  writingNothing,
  type Scenario,
} from "../scenario.js";
import { reportOf } from "./report.js";

const { sql } = withDatabase();

const MAX_GENERATION = Number.MAX_SAFE_INTEGER;

const STATES: ReportedVmmState[] = [
  "starting",
  "running",
  "stopping",
  "stopped",
  "rebooting",
  "migrating",
  "failed",
  "destroyed",
];

/** What a report of a VMM alone answers. */
function answerOf(
  vmmOutcome: ReportVmmResult["vmmOutcome"],
  state: VmmState | null,
  stateGeneration: number | null,
  updateNeeded = false,
): unknown {
  return {
    vmmOutcome,
    migrationInOutcome: null,
    migrationOutOutcome: null,
    updateNeeded,
    state,
    stateGeneration,
  };
}

describe("applied", () => {
  test.each(STATES)("a linked VMM is %s", async (state) => {
    const s = await starting(sql);
    const before = await instance(sql, s);
    const begin = await clock(sql);
    const isDead = state === "failed" || state === "destroyed";
    expect(await reportVmm(sql, reportOf(s, state, 2))).toEqual(answerOf("applied", state, 2, isDead));
    const row = await vmm(sql, s.propolisId);
    expect(await isSince(sql, begin, row["time_reported"])).toBe(true);
    const ran = state === "running" || state === "rebooting" || state === "migrating";
    expect(row).toMatchObject({
      state,
      state_generation: 2,
      time_state_updated: "2024-02-29T12:34:56.789+00:00",
      time_started: ran ? row["time_reported"] : null,
      failure_reason: state === "failed" ? "sled_agent_report" : null,
      time_unlinked: null,
    });
    expect(await instance(sql, s)).toEqual(before);
  });

  test.each(["failed", "destroyed"] as const)(
    "an unlinked VMM is %s, and no update is needed",
    async (state) => {
      const s = await migrated(sql);
      expect(await reportVmm(sql, reportOf(s, state, 3))).toEqual(answerOf("applied", state, 3));
    },
  );

  test("the generation skips numbers, up to 2^53-1", async () => {
    const s = await running(sql);
    expect(await reportVmm(sql, reportOf(s, "rebooting", 1000))).toEqual(
      answerOf("applied", "rebooting", 1000),
    );
    expect(await reportVmm(sql, reportOf(s, "running", MAX_GENERATION))).toEqual(
      answerOf("applied", "running", MAX_GENERATION),
    );
  });

  test("time_state_updated is the sled's, even if earlier than before", async () => {
    const s = await running(sql);
    await reportVmm(sql, { ...reportOf(s, "rebooting", 3), time: new Date("2001-01-01T00:00:00Z") });
    expect(await vmm(sql, s.propolisId)).toMatchObject({ time_state_updated: "2001-01-01T00:00:00+00:00" });
  });

  test.each(["running", "rebooting", "migrating"] as const)(
    "time_started is the database's time of the first report of %s",
    async (ran) => {
      const s = await starting(sql);
      await reportVmm(sql, { ...reportOf(s, "starting", 2), time: new Date("2024-01-01T00:00:00Z") });
      expect(await vmm(sql, s.propolisId)).toMatchObject({ time_started: null });
      const begin = await clock(sql);
      await reportVmm(sql, { ...reportOf(s, ran, 3), time: new Date("2999-01-01T00:00:00Z") });
      const { time_started: started } = await vmm(sql, s.propolisId);
      expect(await isSince(sql, begin, started)).toBe(true);
      for (const [i, state] of (["rebooting", "running", "stopping"] as const).entries())
        await reportVmm(sql, reportOf(s, state, i + 4));
      expect(await vmm(sql, s.propolisId)).toMatchObject({ time_started: started, state_generation: 6 });
    },
  );

  test.each(["starting", "stopping", "stopped", "failed", "destroyed"] as const)(
    "time_started stays NULL for a VMM only reported %s",
    async (state) => {
      const s = await starting(sql);
      await reportVmm(sql, reportOf(s, state, 2));
      expect(await vmm(sql, s.propolisId)).toMatchObject({ state, time_started: null });
    },
  );

  test("time_started of a destination stays NULL on migrating, alone and in a batch, and is set on running", async () => {
    const s = await migrating(sql);
    await say(sql, s, "destination", "migrating", "in_progress");
    await reportVmms(sql, [{ ...reportOf(s, "migrating", 3), propolisId: s.destinationId }]);
    await reportVmms(
      sql,
      [4, 5].map((generation) => ({
        ...reportOf(s, "migrating", generation),
        propolisId: s.destinationId,
      })),
    );
    expect(await vmm(sql, s.destinationId)).toMatchObject({ state_generation: 5, time_started: null });
    await say(sql, s, "destination", "running");
    expect(await vmm(sql, s.destinationId)).toMatchObject({ time_started: expect.any(String) as unknown });
  });

  test("time_reported is not changed by a stale report", async () => {
    const s = await running(sql);
    const before = await vmm(sql, s.propolisId);
    await reportVmm(sql, reportOf(s, "rebooting", 2));
    await reportVmms(sql, [reportOf(s, "rebooting", 1)]);
    expect(await vmm(sql, s.propolisId)).toEqual(before);
  });
});

test.each([1, 2])("stale: generation %i is not greater than 2", async (generation) => {
  const s = await running(sql);
  const report = reportOf(s, "running", generation);
  expect(await writingNothing(sql, () => reportVmm(sql, report))).toEqual(answerOf("stale", "running", 2));
});

test("stale: generation 1 of a new VMM, which has generation 1 already", async () => {
  const s = await starting(sql);
  const report = reportOf(s, "starting", 1);
  expect(await writingNothing(sql, () => reportVmm(sql, report))).toEqual(answerOf("stale", "creating", 1));
});

const dead: [VmmState, string, () => Promise<Scenario>, number][] = [
  ["failed", "linked", () => saying(sql, "failed"), 3],
  ["failed", "unlinked", () => failed(sql), 3],
  ["destroyed", "linked", () => saying(sql, "destroyed"), 3],
  ["saga_unwound", "linked", () => unwound(sql), 2],
];
test.each(dead)(
  "terminal: the VMM is %s and %s, at any reported state and generation",
  async (state, _, reach, stateGeneration) => {
    const s = await reach();
    for (const reported of ["running", "failed", "destroyed"] as const) {
      for (const generation of [1, stateGeneration, stateGeneration + 1]) {
        const report = reportOf(s, reported, generation);
        expect(await writingNothing(sql, () => reportVmm(sql, report))).toEqual(
          answerOf("terminal", state, stateGeneration),
        );
      }
    }
  },
);

test("gone: the VMM was deleted", async () => {
  const s = await failed(sql);
  await applied(deleteVmm(sql, s));
  const report = reportOf(s, "running", 9);
  expect(await writingNothing(sql, () => reportVmm(sql, report))).toEqual(answerOf("gone", "failed", 3));
});

test("not_found: the VMM does not exist, or is another instance's", async () => {
  const [s, other] = [await running(sql), await running(sql)];
  for (const propolisId of [s.destinationId, other.propolisId]) {
    const report = { ...reportOf(s, "running", 9), propolisId };
    expect(await writingNothing(sql, () => reportVmm(sql, report))).toEqual(
      answerOf("not_found", null, null),
    );
  }
});

test("applied: a VMM of a deleted instance that still runs", async () => {
  const s = await migrated(sql);
  await say(sql, s, "destination", "destroyed");
  await update(sql, s);
  await applied(deleteInstance(sql, s));
  expect(await reportVmm(sql, reportOf(s, "stopping", 3))).toEqual(answerOf("applied", "stopping", 3));
});

describe("update_needed", () => {
  type Who = "active" | "destination";
  const news: [Who, ReportedVmmState, MigrationState, boolean][] = [
    ["destination", "migrating", "in_progress", false],
    ["destination", "running", "completed", true],
    ["destination", "running", "failed", true],
    ["destination", "failed", "in_progress", true],
    ["active", "running", "in_progress", false],
    ["active", "running", "completed", true],
    ["active", "running", "failed", true],
    ["active", "destroyed", "in_progress", true],
  ];
  test.each(news)(
    "the %s VMM is %s, its side %s: %s on the first report, false on the next",
    async (who, state, side, needed) => {
      const s = await migrating(sql);
      expect(await say(sql, s, who, state, side)).toMatchObject({ updateNeeded: needed });
      const isDead = state === "failed" || state === "destroyed";
      const again = await say(sql, s, who, state, side);
      expect(again).toMatchObject({ vmmOutcome: isDead ? "terminal" : "applied", updateNeeded: false });
    },
  );

  test("false: the migration is not linked any more", async () => {
    const s = await migrated(sql);
    expect(await say(sql, s, "active", "running", "completed")).toMatchObject({
      migrationOutOutcome: "applied",
      updateNeeded: false,
    });
  });

  test("false: the saga unwound the migration before", async () => {
    const s = await migrating(sql);
    await applied(unwindMigration(sql, s.migration));
    expect(await writingNothing(sql, () => say(sql, s, "destination", "destroyed", "failed"))).toEqual({
      vmmOutcome: "terminal",
      migrationInOutcome: "terminal",
      migrationOutOutcome: null,
      updateNeeded: false,
      state: "saga_unwound",
      stateGeneration: 2,
    });
  });
});
