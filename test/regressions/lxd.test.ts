import { expect, it } from "vitest";
import { beginMigration, beginStart, failSled, reportVmm, unwindStart } from "../../src/index.js";
import { anotherStart, applied, running, starting, update, writingNothing } from "../sql/scenario.js";
import { elevenMinutesPass, regressionDatabase, NOTHING, report, situationOf } from "./situation.js";

const database = regressionDatabase();

// The report itself could not be read; this test follows 16624, the warning that healing may misjudge a member as offline.
// Its instances are then started elsewhere while it still runs them.
it("LXD 17787 (after 16624): a live host that was declared dead cannot take back a guest that was restarted on another host", async () => {
  const { sql } = database;
  const s = await running(sql);
  expect(await failSled(sql, { sledId: s.start.sledId, reason: "sled_off" })).toMatchObject([
    { propolisId: s.propolisId, updateNeeded: true },
  ]);
  const restart = { ...anotherStart(s), startReason: "auto_restart" as const };
  expect(await beginStart(sql, restart)).toMatchObject({ outcome: "conflict", reason: "not_stopped" });
  await update(sql, s);
  await applied(beginStart(sql, restart));
  expect(await reportVmm(sql, report(s, restart.propolisId, "running", 2))).toMatchObject({
    vmmOutcome: "applied",
  });

  await writingNothing(sql, async () => {
    expect(await reportVmm(sql, report(s, s.propolisId, "running", 99))).toMatchObject({
      vmmOutcome: "terminal",
      updateNeeded: false,
      state: "failed",
    });
    expect(await beginMigration(sql, s.migration)).toMatchObject({
      outcome: "conflict",
      reason: "wrong_source",
      activePropolisId: restart.propolisId,
    });
    expect(await unwindStart(sql, s.start)).toMatchObject({ outcome: "unchanged", state: "failed" });
    expect(await failSled(sql, { sledId: s.start.sledId, reason: "sled_off" })).toEqual([]);
  });

  expect(await situationOf(sql, s)).toEqual({
    ...NOTHING,
    shown: "running",
    intends: "running",
    active: restart.propolisId,
    abandoned: [s.propolisId],
    watched: [restart.propolisId],
  });
});

// A member whose clock differs by more than a few seconds was taken for offline.
it.each([
  ["two hours ahead", 7_200_000],
  ["an hour behind", -3_600_000],
])(
  "LXD 7321: an instance on a host whose clock is %s is not stuck while the host reports, and is stuck while it does not",
  async (_, skew) => {
    const { sql } = database;
    const s = await starting(sql);
    const time = new Date(Date.now() + skew);
    await elevenMinutesPass(sql, s);
    await reportVmm(sql, { ...report(s, s.propolisId, "starting", 9), time });
    expect(await situationOf(sql, s)).toMatchObject({ shown: "starting", waitsFor: null });

    await elevenMinutesPass(sql, s);
    await sql`update vmstate.vmm set time_state_updated = ${time}, state_generation = state_generation + 1
    where id = ${s.propolisId}`;
    expect(await situationOf(sql, s)).toMatchObject({ shown: "starting", waitsFor: "sled agent" });
  },
);
