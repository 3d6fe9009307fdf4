import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  beginMigration,
  deleteInstance,
  deleteVmm,
  failVmm,
  reportVmm,
  reportVmms,
  unwindMigration,
  type MigrationState,
  type ReportedVmmState,
  type ReportVmmResult,
  type ReportVmmArguments,
  type VmmState,
} from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  anotherMigration,
  applied,
  clock,
  expectInvalid,
  failed,
  instance,
  isSince,
  migrated,
  migrating,
  migration,
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

const { sql } = withDatabase();

const time = new Date("2024-02-29T12:34:56.789Z");
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

/** A report of the instance's first VMM. */
function reportOf(s: Scenario, state: ReportedVmmState, generation: number): ReportVmmArguments {
  return { instanceId: s.instanceId, propolisId: s.propolisId, state, generation, time };
}

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

describe("the parts of a report are judged separately", () => {
  type Side = Pick<ReportVmmArguments, "migrationInId" | "migrationOutId">;
  interface Arranged extends Scenario {
    reporter: string;
    sides: Side;
    /** Of the side. */
    generation: number;
  }

  /** Both VMMs and both sides at generation 2 or more: the destination migrating, the source running. */
  async function underWay(): Promise<Scenario> {
    const s = await migrating(sql);
    await say(sql, s, "destination", "migrating", "in_progress");
    await say(sql, s, "active", "running", "in_progress");
    return s;
  }

  const into = (s: Scenario, generation: number, reporter = s.destinationId): Arranged => ({
    ...s,
    reporter,
    sides: { migrationInId: s.migrationId },
    generation,
  });
  const outOf = (s: Scenario, generation: number, reporter = s.propolisId): Arranged => ({
    ...s,
    reporter,
    sides: { migrationOutId: s.migrationId },
    generation,
  });

  const halves: [string, string, () => Promise<Arranged>][] = [
    ["applied", "in, newer", async () => into(await underWay(), 3)],
    ["stale", "in, the same again", async () => into(await underWay(), 2)],
    ["stale", "in, older", async () => into(await underWay(), 1)],
    ["terminal", "in, newer than its end", async () => into(await ended("destination"), 4)],
    ["stale", "in, its end again", async () => into(await ended("destination"), 3)],
    ["wrong_side", "in, said by the source", () => said(into, "propolisId")],
    [
      "not_found",
      "in, unknown",
      async () => ({ ...into(await underWay(), 3), sides: { migrationInId: randomUUID() } }),
    ],
    [
      "not_found",
      "in, another instance's",
      async () => ({
        ...into(await underWay(), 3),
        sides: { migrationInId: (await underWay()).migrationId },
      }),
    ],
    ["gone", "in, deleted with the source VMM", async () => into(await withoutSource(), 9)],
    ["applied", "out, newer", async () => outOf(await underWay(), 3)],
    ["stale", "out, the same again", async () => outOf(await underWay(), 2)],
    ["stale", "out, older", async () => outOf(await underWay(), 1)],
    ["terminal", "out, newer than its end", async () => outOf(await ended("active"), 4)],
    ["stale", "out, its end again", async () => outOf(await ended("active"), 3)],
    ["wrong_side", "out, said by the destination", () => said(outOf, "destinationId")],
    [
      "not_found",
      "out, unknown",
      async () => ({ ...outOf(await underWay(), 3), sides: { migrationOutId: randomUUID() } }),
    ],
    [
      "not_found",
      "out, another instance's",
      async () => ({
        ...outOf(await underWay(), 3),
        sides: { migrationOutId: (await underWay()).migrationId },
      }),
    ],
    ["gone", "out, deleted with the destination VMM", async () => outOf(await withoutDestination(), 9)],
  ];

  describe.each(["applied", "stale", "terminal"] as const)("the VMM's outcome is %s", (vmmOutcome) => {
    test.each(halves)("the migration's outcome is %s: %s", async (outcome, _, arrange) => {
      const s = await arrange();
      const propolisId = s.reporter;
      if (vmmOutcome === "terminal") {
        await applied(failVmm(sql, { instanceId: s.instanceId, propolisId, reason: "operator" }));
      }
      const vmmBefore = await vmm(sql, propolisId);
      const migrationBefore = await migration(sql, s.migrationId);
      const begin = await clock(sql);
      const generation = Number(vmmBefore["state_generation"]) + (vmmOutcome === "applied" ? 1 : 0);

      const report: ReportVmmArguments = { ...reportOf(s, "rebooting", generation), propolisId, ...s.sides };
      if (s.sides.migrationInId !== undefined) {
        Object.assign(report, {
          migrationInState: "in_progress",
          migrationInGeneration: s.generation,
          migrationInTime: time,
        });
      } else {
        Object.assign(report, {
          migrationOutState: "in_progress",
          migrationOutGeneration: s.generation,
          migrationOutTime: time,
        });
      }
      const isIn = s.sides.migrationInId !== undefined;
      const vmmApplied = vmmOutcome === "applied";
      expect(await reportVmm(sql, report)).toEqual({
        vmmOutcome,
        migrationInOutcome: isIn ? outcome : null,
        migrationOutOutcome: isIn ? null : outcome,
        updateNeeded: false,
        state: vmmApplied ? "rebooting" : vmmBefore["state"],
        stateGeneration: generation,
      });

      const vmmAfter = await vmm(sql, propolisId);
      if (vmmApplied) expect(vmmAfter).toMatchObject({ state: "rebooting", state_generation: generation });
      else expect(vmmAfter).toEqual(vmmBefore);

      const side = isIn ? "destination" : "source";
      const written = {
        [`${side}_state`]: "in_progress",
        [`${side}_generation`]: s.generation,
        [`time_${side}_updated`]: "2024-02-29T12:34:56.789+00:00",
        time_reported: expect.any(String) as unknown,
      };
      expect(await migration(sql, s.migrationId)).toEqual(
        outcome === "applied" ? { ...migrationBefore, ...written } : migrationBefore,
      );
      const { time_reported } = await migration(sql, s.migrationId);
      expect(await isSince(sql, begin, time_reported)).toBe(outcome === "applied");
    });
  });

  test("an unknown VMM is not_found, and the migration is wrong_side", async () => {
    const s = await underWay();
    const report: ReportVmmArguments = {
      ...reportOf(s, "running", 9),
      propolisId: randomUUID(),
      migrationInId: s.migrationId,
      migrationInState: "completed",
      migrationInGeneration: 9,
      migrationInTime: time,
      migrationOutId: randomUUID(),
      migrationOutState: "completed",
      migrationOutGeneration: 9,
      migrationOutTime: time,
    };
    expect(await writingNothing(sql, () => reportVmm(sql, report))).toEqual({
      vmmOutcome: "not_found",
      migrationInOutcome: "wrong_side",
      migrationOutOutcome: "not_found",
      updateNeeded: false,
      state: null,
      stateGeneration: null,
    });
  });

  test("a deleted VMM is gone and its own migration gone; another migration is wrong_side", async () => {
    const s = await withoutDestination();
    const onward = anotherMigration(s);
    await applied(beginMigration(sql, onward));
    const report: ReportVmmArguments = {
      ...reportOf(s, "running", 9),
      propolisId: s.destinationId,
      migrationInId: s.migrationId,
      migrationInState: "completed",
      migrationInGeneration: 9,
      migrationInTime: time,
      migrationOutId: onward.migrationId,
      migrationOutState: "completed",
      migrationOutGeneration: 9,
      migrationOutTime: time,
    };
    expect(await writingNothing(sql, () => reportVmm(sql, report))).toMatchObject({
      vmmOutcome: "gone",
      migrationInOutcome: "gone",
      migrationOutOutcome: "wrong_side",
      updateNeeded: false,
    });
  });

  test("a VMM reports the migration that it came by and the one that it leaves by", async () => {
    const s = await migrated(sql);
    const onward = { ...anotherMigration(s), sourcePropolisId: s.destinationId };
    await applied(beginMigration(sql, onward));
    const report: ReportVmmArguments = {
      ...reportOf(s, "running", 9),
      propolisId: s.destinationId,
      migrationInId: s.migrationId,
      migrationInState: "completed",
      migrationInGeneration: 9,
      migrationInTime: time,
      migrationOutId: onward.migrationId,
      migrationOutState: "in_progress",
      migrationOutGeneration: 2,
      migrationOutTime: time,
    };
    expect(await reportVmm(sql, report)).toEqual({
      vmmOutcome: "applied",
      migrationInOutcome: "terminal",
      migrationOutOutcome: "applied",
      updateNeeded: false,
      state: "running",
      stateGeneration: 9,
    });
  });

  async function said(half: typeof into, who: "propolisId" | "destinationId"): Promise<Arranged> {
    const s = await underWay();
    return half(s, 3, s[who]);
  }

  /** That side failed at generation 3; nothing has been updated. */
  async function ended(who: "active" | "destination"): Promise<Scenario> {
    const s = await underWay();
    await say(sql, s, who, "running", "failed");
    return s;
  }

  /** Migrated, the source VMM deleted, and with it the migration. */
  async function withoutSource(): Promise<Scenario> {
    const s = await migrated(sql);
    await say(sql, s, "active", "destroyed");
    await applied(deleteVmm(sql, s));
    return s;
  }

  /** The migration failed, the destination VMM deleted, and with it the migration. */
  async function withoutDestination(): Promise<Scenario> {
    const s = await migrating(sql);
    await say(sql, s, "destination", "destroyed", "failed");
    await update(sql, s);
    await applied(deleteVmm(sql, { ...s, propolisId: s.destinationId }));
    return s;
  }
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

describe("misuse", () => {
  const required = (s: Scenario): Record<string, string | number | null> => ({
    p_instance_id: s.instanceId,
    p_propolis_id: s.propolisId,
    p_state: "running",
    p_generation: 9,
    p_time: "2024-01-01T00:00:00Z",
  });
  const side = (which: "in" | "out", s: Scenario): Record<string, string | number | null> => ({
    [`p_migration_${which}_id`]: s.migrationId,
    [`p_migration_${which}_state`]: "completed",
    [`p_migration_${which}_generation`]: 9,
    [`p_migration_${which}_time`]: "2024-01-01T00:00:00Z",
  });

  test.each([
    ["p_instance_id", null, /null/],
    ["p_propolis_id", null, /null/],
    ["p_state", null, /null/],
    ["p_generation", null, /null/],
    ["p_generation", 0, /\b0\b/],
    ["p_generation", -1, /-1/],
    ["p_generation", "9007199254740992", /9007199254740992/],
    ["p_time", null, /null/],
  ])("VM001 for %s %s, with and without a migration", async (argument, value, detail) => {
    const s = await migrating(sql);
    await expectInvalid(sql, "report_vmm", { ...required(s), [argument]: value }, argument, detail);
    await expectInvalid(
      sql,
      "report_vmm",
      { ...required(s), ...side("out", s), [argument]: value },
      argument,
      detail,
    );
  });

  const parts = ["in", "out"].flatMap((which) =>
    ["id", "state", "generation", "time"].map((part) => [which, part] as ["in" | "out", string]),
  );
  test.each(parts)("VM001 for migration_%s without its %s", async (which, part) => {
    const s = await migrating(sql);
    await expectInvalid(
      sql,
      "report_vmm",
      { ...required(s), ...side(which, s), [`p_migration_${which}_${part}`]: null },
      `p_migration_${which}_`,
      /together/,
    );
  });

  test.each(["in", "out"] as const)(
    "VM001 for a generation of migration_%s that is out of range",
    async (which) => {
      const s = await migrating(sql);
      for (const generation of [0, "9007199254740992"]) {
        const argument = `p_migration_${which}_generation`;
        const given = { ...required(s), ...side(which, s), [argument]: generation };
        await expectInvalid(sql, "report_vmm", given, argument, new RegExp(`\\b${generation}\\b`));
      }
    },
  );

  test("VM001 for a time that is infinite", async () => {
    const s = await migrating(sql);
    const infinite = (which: "" | "migration_in_" | "migration_out_"): Promise<unknown> =>
      writingNothing(sql, () =>
        sql`select vmstate.report_vmm(${s.instanceId}, ${s.propolisId}, 'running', 9,
          ${which === "" ? sql`'infinity'` : sql`now()`},
          ${s.migrationId}, 'completed', 9, ${which === "migration_in_" ? sql`'infinity'` : sql`now()`},
          ${s.propolisId}, 'completed', 9, ${which === "migration_out_" ? sql`'-infinity'` : sql`now()`})`.then(
          () => undefined,
          (error: unknown) => error,
        ),
      );
    for (const which of ["", "migration_in_", "migration_out_"] as const) {
      expect(await infinite(which)).toMatchObject({
        code: "VM001",
        message: expect.stringContaining(`p_${which}time`) as unknown,
        detail: expect.stringContaining("must be within the years 1970 to 9999") as unknown,
      });
    }
  });

  test("VM001 for one migration in and out", async () => {
    const s = await migrating(sql);
    const both = { ...required(s), ...side("in", s), ...side("out", s) };
    await expectInvalid(sql, "report_vmm", both, "p_migration_out_id", /migration_in_id/);
  });

  test.each(["creating", "saga_unwound"])(
    "22P02 for p_state %s: the type does not have the label",
    async (state) => {
      const s = await running(sql);
      const said = { ...reportOf(s, "running", 3), state } as ReportVmmArguments;
      await expect(reportVmm(sql, said)).rejects.toMatchObject({ code: "22P02" });
    },
  );
});
