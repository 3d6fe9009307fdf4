import type postgres from "postgres";
import { describe, expect, test } from "vitest";
import {
  deleteVmm,
  reportVmm,
  reportVmms,
  InvalidArgumentError,
  type ReportVmmArguments,
} from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  applied,
  migrated,
  migrating,
  migration,
  running,
  say,
  saying,
  unknown,
  vmm,
  writingNothing,
  type Scenario,
} from "../scenario.js";

const { sql } = withDatabase();

const time = new Date("2024-02-29T12:34:56.789Z");

function reportOf(
  s: Scenario,
  state: ReportVmmArguments["state"],
  generation: number,
  more: Partial<ReportVmmArguments> = {},
): ReportVmmArguments {
  return { instanceId: s.instanceId, propolisId: s.propolisId, state, generation, time, ...more };
}

/** Calls the verb with JSON text, whatever it is. */
function reportText(text: string): Promise<unknown> {
  return sql`select * from vmstate.report_vmms(${text}::text::jsonb)`;
}

test("takes a generation that is a JavaScript bigint", async () => {
  const s = await running(sql);
  const generation = 2n ** 53n - 2n;
  const report = { ...reportOf(s, "rebooting", 0), generation: generation as unknown as number };
  expect(await reportVmms(sql, [report])).toMatchObject([
    { vmmOutcome: "applied", stateGeneration: Number(generation) },
  ]);
});

test("returns one row for each report, in the order of the reports", async () => {
  const s = await migrating(sql);
  const [other, dead, gone] = [await running(sql), await saying(sql, "failed"), await migrated(sql)];
  await say(sql, gone, "active", "destroyed");
  await applied(deleteVmm(sql, gone));

  const answer = await reportVmms(sql, [
    reportOf(other, "rebooting", 3),
    reportOf(s, "running", 3, {
      migrationOutId: s.migrationId,
      migrationOutState: "completed",
      migrationOutGeneration: 2,
      migrationOutTime: time,
    }),
    reportOf(other, "running", 2),
    reportOf(unknown(), "running", 2),
    reportOf(gone, "running", 9),
    reportOf(dead, "running", 9),
    reportOf(s, "migrating", 2, {
      propolisId: s.destinationId,
      migrationInId: s.migrationId,
      migrationInState: "in_progress",
      migrationInGeneration: 2,
      migrationInTime: time,
      migrationOutId: gone.migrationId,
      migrationOutState: "completed",
      migrationOutGeneration: 9,
      migrationOutTime: time,
    }),
  ]);
  const none = { migrationInOutcome: null, migrationOutOutcome: null, updateNeeded: false };
  const id = ({ instanceId, propolisId }: Scenario): object => ({ instanceId, propolisId });
  expect(answer).toEqual([
    { ordinal: 1, ...id(other), vmmOutcome: "applied", ...none, state: "rebooting", stateGeneration: 3 },
    {
      ordinal: 2,
      ...id(s),
      vmmOutcome: "applied",
      migrationInOutcome: null,
      migrationOutOutcome: "applied",
      updateNeeded: true,
      state: "running",
      stateGeneration: 3,
    },
    { ordinal: 3, ...id(other), vmmOutcome: "stale", ...none, state: "rebooting", stateGeneration: 3 },
    {
      ordinal: 4,
      instanceId: expect.any(String) as unknown,
      propolisId: expect.any(String) as unknown,
      vmmOutcome: "not_found",
      ...none,
      state: null,
      stateGeneration: null,
    },
    { ordinal: 5, ...id(gone), vmmOutcome: "gone", ...none, state: "destroyed", stateGeneration: 3 },
    { ordinal: 6, ...id(dead), vmmOutcome: "terminal", ...none, state: "failed", stateGeneration: 3 },
    {
      ordinal: 7,
      instanceId: s.instanceId,
      propolisId: s.destinationId,
      vmmOutcome: "applied",
      migrationInOutcome: "applied",
      migrationOutOutcome: "not_found",
      updateNeeded: false,
      state: "migrating",
      stateGeneration: 2,
    },
  ]);
  expect(await migration(sql, s.migrationId)).toMatchObject({
    source_state: "completed",
    source_generation: 2,
    destination_state: "in_progress",
    destination_generation: 2,
  });
});

describe("several reports of one VMM", () => {
  test("are judged one after the other", async () => {
    const s = await running(sql);
    const reports = [
      reportOf(s, "rebooting", 5),
      reportOf(s, "stopping", 4),
      reportOf(s, "running", 5),
      reportOf(s, "running", 6),
      reportOf(s, "destroyed", 7),
      reportOf(s, "failed", 8),
    ];
    const answer = await reportVmms(sql, reports);
    expect(answer.map((a) => [a.vmmOutcome, a.state, a.stateGeneration, a.updateNeeded])).toEqual([
      ["applied", "rebooting", 5, false],
      ["stale", "rebooting", 5, false],
      ["stale", "rebooting", 5, false],
      ["applied", "running", 6, false],
      ["applied", "destroyed", 7, true],
      ["terminal", "destroyed", 7, false],
    ]);
    expect(await vmm(sql, s.propolisId)).toMatchObject({ state: "destroyed", state_generation: 7 });
  });

  test("of one side of a migration are judged one after the other", async () => {
    const s = await migrating(sql);
    const side = (generation: number, state: "in_progress" | "completed" | "failed"): ReportVmmArguments =>
      reportOf(s, "running", generation, {
        migrationOutId: s.migrationId,
        migrationOutState: state,
        migrationOutGeneration: generation,
        migrationOutTime: time,
      });
    const answer = await reportVmms(sql, [
      side(3, "in_progress"),
      side(3, "failed"),
      side(4, "completed"),
      side(5, "failed"),
    ]);
    expect(answer.map((a) => [a.migrationOutOutcome, a.updateNeeded])).toEqual([
      ["applied", false],
      ["stale", false],
      ["applied", true],
      ["terminal", false],
    ]);
    expect(await migration(sql, s.migrationId)).toMatchObject({
      source_state: "completed",
      source_generation: 4,
    });
  });

  test("with another instance's id are not_found and do not affect the others", async () => {
    const [s, other] = [await running(sql), await running(sql)];
    const answer = await reportVmms(sql, [
      reportOf(s, "failed", 9, { instanceId: other.instanceId }),
      reportOf(s, "rebooting", 3),
    ]);
    expect(answer.map((a) => a.vmmOutcome)).toEqual(["not_found", "applied"]);
  });
});

test("returns no row for an empty array", async () => {
  expect(await writingNothing(sql, () => reportVmms(sql, []))).toEqual([]);
});

test("takes a missing key as null", async () => {
  const s = await running(sql);
  const report = {
    instance_id: s.instanceId,
    propolis_id: s.propolisId,
    state: "rebooting",
    generation: 3,
    time: "2024-02-29T12:34:56.789123+00:00",
    migration_in_id: null,
  };
  expect(await reportText(JSON.stringify([report]))).toMatchObject([{ ordinal: 1, vmm_outcome: "applied" }]);
  expect(await vmm(sql, s.propolisId)).toMatchObject({
    time_state_updated: "2024-02-29T12:34:56.789123+00:00",
  });
});

test("stores a time given as text like report_vmm, to the microsecond", async () => {
  const [batched, single] = [await running(sql), await running(sql)];
  const text = "2024-02-29T12:34:56.789123Z";
  await reportVmms(sql, [reportOf(batched, "rebooting", 3, { time: text })]);
  await reportVmm(sql, reportOf(single, "rebooting", 3, { time: text }));
  const written = { time_state_updated: "2024-02-29T12:34:56.789123+00:00" };
  expect(await vmm(sql, batched.propolisId)).toMatchObject(written);
  expect(await vmm(sql, single.propolisId)).toMatchObject(written);
});

test("writes and returns for 1000 reports what 1000 calls of report_vmm do", async () => {
  const COUNT = 125;
  const [batched, single] = await Promise.all([fleet(COUNT), fleet(COUNT)]);
  const answers = await reportVmms(sql, reportsOf(batched));
  expect(answers).toHaveLength(1000);

  const expected = [];
  for (const report of reportsOf(single)) expected.push(await reportVmm(sql, report));
  expect(answers).toMatchObject(expected);
  expect(answers.map(({ ordinal }) => ordinal)).toEqual(answers.map((_, i) => i + 1));
  expect(await leftBy(batched)).toEqual(await leftBy(single));

  async function fleet(count: number): Promise<Scenario[]> {
    const scenarios = [];
    for (let i = 0; i < count; i++) scenarios.push(await migrating(sql));
    return scenarios;
  }

  /** Eight of each instance, all mixed: what is new, old, repeated and late, of both VMMs and sides. */
  function reportsOf(scenarios: Scenario[]): ReportVmmArguments[] {
    const out = (s: Scenario, state: "in_progress" | "completed", generation: number): object => ({
      migrationOutId: s.migrationId,
      migrationOutState: state,
      migrationOutGeneration: generation,
      migrationOutTime: time,
    });
    const into = (s: Scenario, state: "in_progress" | "failed", generation: number): object => ({
      propolisId: s.destinationId,
      migrationInId: s.migrationId,
      migrationInState: state,
      migrationInGeneration: generation,
      migrationInTime: time,
    });
    const rounds: ((s: Scenario) => ReportVmmArguments)[] = [
      (s) => reportOf(s, "migrating", 3, out(s, "in_progress", 2)),
      (s) => reportOf(s, "migrating", 2, into(s, "in_progress", 2)),
      (s) => reportOf(s, "running", 2),
      (s) => reportOf(s, "running", 3, into(s, "failed", 3)),
      (s) => reportOf(s, "running", 5, out(s, "completed", 3)),
      (s) => reportOf(s, "running", 3, into(s, "in_progress", 4)),
      (s) => reportOf(s, "destroyed", 6),
      (s) => reportOf(s, "running", 7, out(s, "completed", 4)),
    ];
    return rounds.flatMap((round) => scenarios.map(round));
  }

  async function leftBy(scenarios: Scenario[]): Promise<unknown> {
    const states = [];
    for (const s of scenarios) {
      const [source, destination, row] = [
        await vmm(sql, s.propolisId),
        await vmm(sql, s.destinationId),
        await migration(sql, s.migrationId),
      ];
      states.push([
        [
          source["state"],
          source["state_generation"],
          source["failure_reason"],
          source["time_started"] === null,
        ],
        [destination["state"], destination["state_generation"], destination["time_started"] === null],
        [
          row["source_state"],
          row["source_generation"],
          row["destination_state"],
          row["destination_generation"],
        ],
      ]);
    }
    return states;
  }
});

describe("VM001 for an unknown key, which would silently drop a part of the report,", () => {
  const valid = (s: Scenario): Record<string, unknown> => ({
    instance_id: s.instanceId,
    propolis_id: s.propolisId,
    state: "rebooting",
    generation: 3,
    time: "2024-01-01T00:00:00Z",
  });

  async function refusalOf(elements: unknown[]): Promise<postgres.PostgresError | undefined> {
    return await writingNothing(sql, () =>
      reportText(JSON.stringify(elements)).then(
        () => undefined,
        (reason: unknown) => reason as postgres.PostgresError,
      ),
    );
  }

  test.each([
    ["note", "from another version"],
    ["note", null],
    ["migration_out_ID", null],
    ["migration_out_state_", "completed"],
    ["p_state", "running"],
    ["instanceId", "x"],
    ["", 1],
    ['quo"ted\\ü', null],
    ["nul\u0001", null],
    ["State", "running"],
    [" state", "running"],
  ])("%j with value %j: the element and the key are named as written", async (key, value) => {
    const s = await running(sql);
    const error = await refusalOf([valid(s), { ...valid(s), [key]: value }, valid(s)]);
    expect(error).toMatchObject({ code: "VM001" });
    expect(error?.message).toContain("p_reports");
    expect(error?.detail).toContain(`Element 2 has the unknown key ${JSON.stringify(key)}.`);
    expect(error?.detail).toContain("migration_out_generation");
    expect(error?.hint).toMatch(/\w/);
  });

  test.each([
    ["an unknown key", { note: 1 }, /Element 1 has the unknown key "note"/],
    ["a value of another type", { propolis_id: "vm-1" }, /Element 1: .*vm-1/],
    ["a null state", { state: null }, /Element 1: .*null/],
    ["a generation out of range", { generation: 0 }, /Element 1: .*\b0\b/],
    ["half a migration", { migration_in_generation: 2 }, /Element 1: .*together/],
  ])("the first malformed element is named: %s before an unknown key", async (_, part, detail) => {
    const s = await running(sql);
    const error = await refusalOf([
      { ...valid(s), ...part },
      { ...valid(s), other: null },
    ]);
    expect(error).toMatchObject({ code: "VM001", detail: expect.stringMatching(detail) as unknown });
  });

  test.each([
    ["a value of another type", { propolis_id: "vm-1" }],
    ["a null state", { state: null }],
    ["no object", undefined],
  ])("the first malformed element is named: an unknown key before %s", async (_, part) => {
    const s = await running(sql);
    const second = part === undefined ? 7 : { ...valid(s), ...part };
    const error = await refusalOf([{ ...valid(s), other: null }, second]);
    expect(error?.detail).toContain('Element 1 has the unknown key "other"');
  });

  test("takes every known key, also with null", async () => {
    const s = await running(sql);
    const nulls = Object.fromEntries(
      ["in", "out"].flatMap((d) =>
        ["id", "state", "generation", "time"].map((part) => [`migration_${d}_${part}`, null]),
      ),
    );
    expect(await reportText(JSON.stringify([{ ...valid(s), ...nulls }]))).toMatchObject([
      { vmm_outcome: "applied" },
    ]);
  });

  test("InvalidArgumentError of both wrappers, before a query, also for an undefined value", async () => {
    const s = await running(sql);
    const report = { ...reportOf(s, "rebooting", 3), migrationOutID: undefined };
    await writingNothing(sql, async () => {
      await expect(reportVmm(sql, report)).rejects.toThrow(
        /^reportVmm: unknown key "migrationOutID"; known keys: instanceId, /,
      );
      await expect(reportVmms(sql, [reportOf(s, "rebooting", 3), report])).rejects.toThrow(
        /^reportVmms: element 2: unknown key "migrationOutID"/,
      );
    });
    // @ts-expect-error the key is unknown to the compiler as well
    await expect(reportVmm(sql, { ...reportOf(s, "rebooting", 3), note: 1 })).rejects.toThrow(
      InvalidArgumentError,
    );
  });
});

describe("VM001 names the malformed element, and no other element is written:", () => {
  const broken: [string, unknown, RegExp][] = [
    ["null", null, /./],
    ["a number", 7, /./],
    ["an array", [], /./],
    ["a string", "running", /./],
    ["an empty object", {}, /null/],
    ["no instance", { instance_id: undefined }, /null/],
    ["a malformed id", { propolis_id: "vm-1" }, /vm-1/],
    ["no state", { state: null }, /null/],
    ["a state that no sled agent can report", { state: "saga_unwound" }, /saga_unwound/],
    ["no generation", { generation: undefined }, /null/],
    ["generation 0", { generation: 0 }, /\b0\b/],
    ["a generation beyond 2^53-1", { generation: 2 ** 53 }, /9007199254740992/],
    ["a generation beyond bigint", { generation: 1e30 }, /./],
    ["a fraction", { generation: 3.5 }, /3\.5/],
    ["no time", { time: null }, /null/],
    ["a malformed time", { time: "soon" }, /soon/],
    ["an infinite time", { time: "infinity" }, /must be within the years 1970 to 9999/],
    ["a time before 1970", { time: "1969-12-31T23:59:59Z" }, /must be within the years 1970 to 9999/],
    ["a time after the year 9999", { time: "10000-01-01" }, /must be within the years 1970 to 9999/],
    ["migration_in_id alone", { migration_in_id: "6f1b6f7e-1c58-4a4e-9d8b-0a8f0d1c2b3a" }, /together/],
    ["migration_out_generation alone", { migration_out_generation: 3 }, /together/],
  ];
  test.each(broken)("%s", async (_, element, problem) => {
    const s = await running(sql);
    const valid = {
      instance_id: s.instanceId,
      propolis_id: s.propolisId,
      state: "rebooting",
      generation: 3,
      time: "2024-01-01T00:00:00Z",
    };
    const isPart = typeof element === "object" && element !== null && Object.keys(element).length > 0;
    const malformed = isPart ? { ...valid, ...element } : element;
    const text = JSON.stringify([valid, malformed, { ...valid, generation: 4 }]);
    const error = await writingNothing(sql, () =>
      reportText(text).then(
        () => undefined,
        (reason: unknown) => reason as postgres.PostgresError,
      ),
    );
    expect(error).toMatchObject({ code: "VM001" });
    expect(error?.message).toContain("vmstate.report_vmms");
    expect(error?.detail).toMatch(/\b2\b/);
    expect(error?.detail).toMatch(problem);
    expect(error?.hint).toMatch(/\w/);
  });

  test.each([["null"], ["{}"], ["1"], ['"[]"']])("%s is not an array", async (text) => {
    await expect(reportText(text)).rejects.toMatchObject({
      code: "VM001",
      message: expect.stringContaining("p_reports") as unknown,
      detail: expect.stringContaining("array") as unknown,
    });
  });

  test("no argument at all", async () => {
    await expect(sql`select * from vmstate.report_vmms(null)`).rejects.toMatchObject({
      code: "VM001",
      detail: expect.stringContaining("null") as unknown,
    });
  });
});
