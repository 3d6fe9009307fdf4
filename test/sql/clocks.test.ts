import { describe, expect, test } from "vitest";
import {
  apiInstance,
  apiVmms,
  failSled,
  failVmm,
  reportVmm,
  reportVmms,
  stuckInstances,
  unwindMigration,
  unwindStart,
  watchedVmms,
  type ReportVmmArguments,
} from "../../src/index.js";
import { withDatabase } from "../support/database.js";
import {
  applied,
  clock,
  instance,
  isSince,
  migrating,
  migration,
  running,
  say,
  starting,
  vmm,
  type Scenario,
} from "./scenario.js";
import { reportVmmsOf, sledWith, vmmHeardAgo } from "./sleds.js";

// Ages are reckoned by the database's clock: a sled's may be wrong by any amount, in either direction.

const { sql } = withDatabase();

const CLOCKS = [
  ["two hours ahead", new Date(Date.now() + 7_200_000)],
  ["centuries ahead", new Date("9999-12-31T00:00:00Z")],
  ["an hour behind", new Date(Date.now() - 3_600_000)],
  ["decades behind", new Date("1970-01-01T00:00:00Z")],
] as const;

async function isStuck(s: Scenario): Promise<boolean> {
  return (await stuckInstances(sql)).some(({ instanceId }) => instanceId === s.instanceId);
}

/** Makes the instance's own row a day old. */
async function old(s: Scenario): Promise<void> {
  await sql`update vmstate.instance set state_generation = state_generation + 1,
    time_state_updated = clock_timestamp() - interval '1 day' where id = ${s.instanceId}`;
}

const reported = (s: Scenario, state: ReportVmmArguments["state"], time: Date): ReportVmmArguments => ({
  instanceId: s.instanceId,
  propolisId: s.propolisId,
  state,
  generation: 9,
  time,
});

describe.each(CLOCKS)("a sled whose clock is %s", (_, time) => {
  const ways: [string, (report: ReportVmmArguments) => Promise<unknown>][] = [
    ["report_vmm", (report) => reportVmm(sql, report)],
    ["report_vmms", (report) => reportVmms(sql, [report])],
    [
      "report_vmms with a report before of the same VMM",
      (report) => reportVmms(sql, [{ ...report, generation: 8 }, report]),
    ],
  ];
  test.each(ways)("sets time_reported by the database's clock, through %s", async (_, tell) => {
    const s = await running(sql);
    await old(s);
    const begin = await clock(sql);
    await tell(reported(s, "rebooting", time));
    const row = await vmm(sql, s.propolisId);
    expect(await isSince(sql, begin, row["time_reported"])).toBe(true);
    expect(new Date(String(row["time_state_updated"]))).toEqual(time);
    expect(await isStuck(s)).toBe(false);
  });

  test("is listed as stuck 10 minutes after its last report by the database's clock", async () => {
    const s = await starting(sql);
    await old(s);
    await reportVmm(sql, reported(s, "starting", time));
    await vmmHeardAgo(sql, s.propolisId, "9 minutes");
    expect(await isStuck(s)).toBe(false);
    await vmmHeardAgo(sql, s.propolisId, "11 minutes");
    const row = (await stuckInstances(sql)).find(({ instanceId }) => instanceId === s.instanceId);
    expect(row).toMatchObject({ waitsFor: "sled agent", age: expect.stringMatching(/^00:11:0/) as unknown });
    const { time_reported } = await vmm(sql, s.propolisId);
    expect(row?.since).toEqual(new Date(String(time_reported)));
  });

  test("has no time in the future in any view", async () => {
    const s = await running(sql);
    await reportVmm(sql, reported(s, "running", time));
    const [own] = (await watchedVmms(sql)).filter(({ propolisId }) => propolisId === s.propolisId);
    const times = [
      (await apiInstance(sql, s))?.timeStateUpdated,
      (await apiVmms(sql, s))[0]?.timeStateUpdated,
      own?.timeStateUpdated,
    ];
    const [{ now } = {}] = await sql<{ now: Date }[]>`select clock_timestamp() as now`;
    for (const shown of times) {
      expect(Number(shown)).toBeLessThanOrEqual(Number(now));
      if (time.getTime() < Date.now()) expect(shown).toEqual(time);
      else expect(Number(now) - Number(shown)).toBeLessThan(60_000);
    }
  });

  test("sets time_reported of a migration by the database's clock", async () => {
    const s = await migrating(sql);
    const begin = await clock(sql);
    await reportVmm(sql, {
      ...reported(s, "running", time),
      migrationOutId: s.migrationId,
      migrationOutState: "in_progress",
      migrationOutGeneration: 2,
      migrationOutTime: time,
    });
    const { time_reported } = await migration(sql, s.migrationId);
    expect(await isSince(sql, begin, time_reported)).toBe(true);
  });
});

describe("time_reported of a VMM", () => {
  test("is NULL before its first report", async () => {
    const s = await starting(sql);
    expect(await vmm(sql, s.propolisId)).toMatchObject({ time_reported: null });
  });

  const ends: [string, (s: Scenario) => Promise<unknown>][] = [
    ["fail_vmm", (s) => failVmm(sql, { ...s, reason: "operator" })],
    ["fail_sled", (s) => failSled(sql, { sledId: s.start.sledId, reason: "sled_off" })],
    ["unwind_start", (s) => unwindStart(sql, s.start)],
  ];
  test.each(ends)("is set when %s ends the VMM", async (_, end) => {
    const s = await running(sql);
    await vmmHeardAgo(sql, s.propolisId, "1 day");
    const begin = await clock(sql);
    await end(s);
    expect(await isSince(sql, begin, (await vmm(sql, s.propolisId))["time_reported"])).toBe(true);
  });

  test("is set, as that of the migration, when unwind_migration ends both", async () => {
    const s = await migrating(sql);
    const begin = await clock(sql);
    await applied(unwindMigration(sql, s.migration));
    for (const row of [await migration(sql, s.migrationId), await vmm(sql, s.destinationId)])
      expect(await isSince(sql, begin, row["time_reported"])).toBe(true);
  });
});

describe("watched_vmm", () => {
  test("lists a running VMM without reports for 1 day, which stuck_instance does not", async () => {
    const [silent, heard] = [await running(sql), await running(sql)];
    await vmmHeardAgo(sql, silent.propolisId, "1 day");
    await reportVmm(sql, reported(heard, "running", new Date(0)));
    const found = await sql<{ propolis_id: string }[]>`
      select propolis_id from vmstate.watched_vmm where time_reported < now() - interval '1 hour'`;
    const ids = found.map(({ propolis_id }) => propolis_id);
    expect(ids).toContain(silent.propolisId);
    expect(ids).not.toContain(heard.propolisId);
    expect(await isStuck(silent)).toBe(false);
  });

  test("lists a VMM whose sled agent restarted its generations at 1, so that every report is stale", async () => {
    const s = await running(sql);
    await vmmHeardAgo(sql, s.propolisId, "1 day");
    for (const generation of [1, 2])
      expect(await reportVmm(sql, { ...reported(s, "destroyed", new Date()), generation })).toMatchObject({
        vmmOutcome: "stale",
      });
    const [row] = await sql`select time_reported < now() - interval '1 hour' as silent
      from vmstate.watched_vmm where propolis_id = ${s.propolisId}`;
    expect(row).toEqual({ silent: true });
  });
});

describe("time_heard of watched_vmm", () => {
  async function heardOf(propolisId: string): Promise<Date | null | undefined> {
    return (await watchedVmms(sql)).find((row) => row.propolisId === propolisId)?.timeHeard;
  }

  test("is the time of the report of the VMM, or of the report of its sled that agreed, if that is later", async () => {
    const { sledId, s, vmms } = await sledWith(sql, "running");
    const { propolisId } = s;
    await vmmHeardAgo(sql, propolisId, "1 day");
    const reported = new Date(String((await vmm(sql, propolisId))["time_reported"]));
    expect(await heardOf(propolisId)).toEqual(reported);
    const { timeAgreed } = await applied(reportVmmsOf(sql, sledId, vmms));
    expect(await heardOf(propolisId)).toEqual(timeAgreed);
    expect((await vmm(sql, propolisId))["time_reported"]).toBeDefined();
    await vmmHeardAgo(sql, propolisId, "-1 minutes");
    expect(Number(await heardOf(propolisId))).toBeGreaterThan(Number(timeAgreed));
  });

  test("does not move when the sled differs: the sled may have lost the VMM", async () => {
    const { sledId, s, vmms } = await sledWith(sql, "running");
    const { propolisId } = s;
    await vmmHeardAgo(sql, propolisId, "1 day");
    const { timeAgreed } = await applied(reportVmmsOf(sql, sledId, vmms));
    expect(await reportVmmsOf(sql, sledId, [])).toMatchObject({ reason: "differs", timeAgreed });
    expect(await heardOf(propolisId)).toEqual(timeAgreed);
  });

  test("stuck_instance does not go by it: a VMM that is starting by every digest is not started", async () => {
    const { sledId, s, vmms } = await sledWith(sql, "starting");
    await old(s);
    await vmmHeardAgo(sql, s.propolisId, "11 minutes");
    await applied(reportVmmsOf(sql, sledId, vmms));
    expect(await isStuck(s)).toBe(true);
  });
});

test("a report of a VMM leaves its migration's times alone, and a migration's part leaves the VMM's", async () => {
  const s = await migrating(sql);
  const before = await migration(sql, s.migrationId);
  await say(sql, s, "active", "running");
  expect(await migration(sql, s.migrationId)).toEqual(before);
  const source = await vmm(sql, s.propolisId);
  await reportVmm(sql, {
    ...reported(s, "running", new Date()),
    generation: 1,
    migrationOutId: s.migrationId,
    migrationOutState: "in_progress",
    migrationOutGeneration: 2,
    migrationOutTime: new Date(),
  });
  expect(await vmm(sql, s.propolisId)).toEqual(source);
  expect(await instance(sql, s)).toMatchObject({ migration_id: s.migrationId });
});
