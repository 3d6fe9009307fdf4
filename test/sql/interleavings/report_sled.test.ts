import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import { describe, expect, it } from "vitest";
import {
  beginStart,
  deleteVmm,
  failSled,
  type ReportSledResult,
  type SledVmm,
  watchedVmms,
} from "../../../src/index.js";
import { applied, say, stopped, update } from "../scenario.js";
import { reportVmmsOf, sledRow, sledWith } from "../sleds.js";
import { failing, reporting } from "./calls.js";
import { type Act, newSessions } from "./sessions.js";

const sessions = newSessions();
const { race, overtake } = sessions;

const reportingSled =
  (sledId: string, vmms: readonly SledVmm[]): Act<ReportSledResult> =>
  (sql) =>
    reportVmmsOf(sql, sledId, vmms);

const inState = (vmms: readonly SledVmm[], state: SledVmm["state"]): SledVmm[] =>
  vmms.map(({ propolisId }) => ({ propolisId, state }));

describe("report_sled holds the row of its sled:", () => {
  it.each([
    ["commit", "applied"],
    ["rollback", "applied"],
  ] as const)("another report of the sled waits for its %s, then is %s", async (end, outcome) => {
    const { sledId, vmms } = await sledWith(sessions.sql, "running");
    await applied(reportVmmsOf(sessions.sql, sledId, vmms));
    const answers = await race(reportingSled(sledId, []), reportingSled(sledId, vmms), end);
    expect(answers).toMatchObject({
      first: { outcome: "conflict", reason: "differs" },
      second: { outcome, vmmCount: 1 },
      waited: "sled_report",
    });
    expect(await sledRow(sessions.sql, sledId)).toMatchObject({ vmm_count: 1 });
  });

  it.each(["commit", "rollback"] as const)(
    "the first report of a sled makes another one wait for its %s",
    async (end) => {
      const { sledId, vmms } = await sledWith(sessions.sql, "running");
      const answers = await race(reportingSled(sledId, vmms), reportingSled(sledId, []), end);
      expect(answers).toMatchObject({
        first: { outcome: "applied" },
        second: { reason: "differs", timeAgreed: end === "commit" ? answers.first.timeAgreed : null },
        waited: null,
      });
    },
  );

  it("a report of another sled does not wait", async () => {
    const [one, two] = [randomUUID(), randomUUID()];
    for (const sledId of [one, two]) await applied(reportVmmsOf(sessions.sql, sledId, []));
    expect(await overtake(reportingSled(one, []), reportingSled(two, []))).toMatchObject({
      second: { outcome: "applied" },
    });
  });
});

describe("report_sled holds no VMM and no instance:", () => {
  it("report_vmm does not wait", async () => {
    const { sledId, s, vmms } = await sledWith(sessions.sql, "running");
    expect(await overtake(reportingSled(sledId, vmms), reporting(s, "stopping", 9))).toMatchObject({
      first: { outcome: "applied" },
      second: { vmmOutcome: "applied" },
    });
  });

  it("fail_sled, and begin_start of another VMM on the sled, do not wait", async () => {
    const { sledId, vmms } = await sledWith(sessions.sql, "running");
    const other = await stopped(sessions.sql);
    const starting: Act<unknown> = (sql) => applied(beginStart(sql, { ...other.start, sledId }));
    await overtake(reportingSled(sledId, vmms), starting);
    const failing: Act<unknown[]> = (sql) => failSled(sql, { sledId, reason: "sled_off" });
    expect((await overtake(reportingSled(sledId, vmms), failing)).second).toHaveLength(2);
  });
});

describe("report_sled does not wait for a VMM, and sees what was committed before it:", () => {
  it("a report that is not committed: the sled agrees by the state before, and differs afterwards", async () => {
    const { sledId, s, vmms } = await sledWith(sessions.sql, "running");
    const answers = await overtake(reporting(s, "stopping", 9), reportingSled(sledId, vmms));
    expect(answers).toMatchObject({ first: { vmmOutcome: "applied" }, second: { outcome: "applied" } });
    expect(await reportVmmsOf(sessions.sql, sledId, vmms)).toMatchObject({ reason: "differs" });
    expect(await reportVmmsOf(sessions.sql, sledId, inState(vmms, "stopping"))).toMatchObject({
      outcome: "applied",
    });
  });

  it("the agent's own report in flight: the sled differs by the new state, and agrees afterwards", async () => {
    const { sledId, s, vmms } = await sledWith(sessions.sql, "running");
    const stopping = inState(vmms, "stopping");
    expect(await overtake(reporting(s, "stopping", 9), reportingSled(sledId, stopping))).toMatchObject({
      second: { reason: "differs", vmmCount: 1 },
    });
    await applied(reportVmmsOf(sessions.sql, sledId, stopping));
  });

  it("fail_vmm and fail_sled: the sled agrees, although the VMM is dead as soon as they commit", async () => {
    const { sledId, s, vmms } = await sledWith(sessions.sql, "running", "running");
    expect(await overtake(failing(s), reportingSled(sledId, vmms))).toMatchObject({
      second: { outcome: "applied", vmmCount: 2 },
    });
    expect(await reportVmmsOf(sessions.sql, sledId, vmms)).toMatchObject({ reason: "differs", vmmCount: 1 });
    const failingAll: Act<unknown> = (sql) => failSled(sql, { sledId, reason: "sled_off" });
    await overtake(failingAll, reportingSled(sledId, vmms.slice(1)));
    expect(await reportVmmsOf(sessions.sql, sledId, vmms)).toMatchObject({ reason: "differs", vmmCount: 0 });
  });

  it("begin_start: the sled agrees without the new VMM, before and after the commit", async () => {
    const { sledId, vmms } = await sledWith(sessions.sql, "running");
    const other = await stopped(sessions.sql);
    const starting: Act<unknown> = (sql) => beginStart(sql, { ...other.start, sledId });
    expect(await overtake(starting, reportingSled(sledId, vmms))).toMatchObject({
      second: { outcome: "applied", vmmCount: 1 },
    });
    await applied(reportVmmsOf(sessions.sql, sledId, vmms));
  });

  it("delete_vmm of a dead VMM: the sled agrees without the VMM, before and after the commit", async () => {
    const { sledId, s, vmms } = await sledWith(sessions.sql, "running", "running");
    await say(sessions.sql, s, "active", "destroyed");
    await update(sessions.sql, s);
    const deleting: Act<unknown> = (sql) => applied(deleteVmm(sql, s));
    expect(await overtake(deleting, reportingSled(sledId, vmms.slice(1)))).toMatchObject({
      second: { outcome: "applied", vmmCount: 1 },
    });
    await applied(reportVmmsOf(sessions.sql, sledId, vmms.slice(1)));
  });

  it("a VMM that began after the sled agreed is not heard at that time", async () => {
    const { sledId, vmms } = await sledWith(sessions.sql, "running");
    const { timeAgreed } = await applied(reportVmmsOf(sessions.sql, sledId, vmms));
    const other = await stopped(sessions.sql);
    const s = { ...other, start: { ...other.start, sledId } };
    await applied(beginStart(sessions.sql, s.start));
    await say(sessions.sql, s, "active", "starting");
    const heard = await timeHeardOf(sessions.sql, s.propolisId);
    expect(Number(heard)).toBeGreaterThanOrEqual(Number(timeAgreed));
    await reportVmmsOf(sessions.sql, sledId, vmms);
    expect(await timeHeardOf(sessions.sql, s.propolisId)).toEqual(heard);
  });
});

async function timeHeardOf(sql: postgres.Sql, propolisId: string): Promise<Date | null | undefined> {
  return (await watchedVmms(sql)).find((row) => row.propolisId === propolisId)?.timeHeard;
}
