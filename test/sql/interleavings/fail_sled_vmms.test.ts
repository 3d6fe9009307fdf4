import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { beginStart, failSled, failSledVmms, type FailedVmm } from "../../../src/index.js";
import {
  anotherStart,
  applied,
  instance,
  running,
  stopped,
  unwound,
  vmm,
  type Scenario,
} from "../scenario.js";
import { reporting } from "./calls.js";
import { newSessions, type Act } from "./sessions.js";

const sessions = newSessions();
const { overtake, race } = sessions;

const losing =
  (s: Scenario): Act<FailedVmm[]> =>
  (sql) =>
    failSledVmms(sql, { sledId: s.start.sledId, propolisIds: [s.propolisId], reason: "no_such_vmm" });

describe("fail_sled_vmms holds the named VMMs and no instance:", () => {
  it("a report waits, then is terminal", async () => {
    const s = await running(sessions.sql);
    expect(await race(losing(s), reporting(s, "running", 9))).toMatchObject({
      first: [{ outcome: "applied", propolisId: s.propolisId }],
      second: { vmmOutcome: "terminal", state: "failed" },
      waited: "vmm",
    });
  });

  it("fail_sled_vmms waits for a report, then fails the VMM at the next generation", async () => {
    const s = await running(sessions.sql);
    expect(await race(reporting(s, "rebooting", 9), losing(s))).toMatchObject({
      first: { vmmOutcome: "applied" },
      second: [{ propolisId: s.propolisId, stateGeneration: 10 }],
      waited: "vmm",
    });
  });

  it("fail_sled_vmms waits for a report of destroyed, then fails no VMM", async () => {
    const s = await running(sessions.sql);
    expect(await race(reporting(s, "destroyed", 9), losing(s))).toMatchObject({ second: [], waited: "vmm" });
    expect(await vmm(sessions.sql, s.propolisId)).toMatchObject({ state: "destroyed" });
  });

  it("a report of a VMM on the sled that is not named does not wait, and applies", async () => {
    const [lost, s] = [await running(sessions.sql), await stopped(sessions.sql)];
    const start = { ...s.start, sledId: lost.start.sledId };
    await applied(beginStart(sessions.sql, start));
    expect(await overtake(losing(lost), reporting(s, "running", 2))).toMatchObject({
      first: [{ propolisId: lost.propolisId }],
      second: { vmmOutcome: "applied" },
    });
    expect(await vmm(sessions.sql, s.propolisId)).toMatchObject({ state: "running" });
  });

  it("fail_sled_vmms does not wait for an uncommitted begin_start on the sled, and leaves its VMM alone", async () => {
    const [lost, s] = [await running(sessions.sql), await unwound(sessions.sql)];
    const start = { ...anotherStart(s), propolisId: randomUUID(), sledId: lost.start.sledId };
    expect(await overtake((sql) => beginStart(sql, start), losing(lost))).toMatchObject({
      second: [{ propolisId: lost.propolisId }],
    });
    expect(await instance(sessions.sql, s)).toMatchObject({ active_propolis_id: start.propolisId });
    expect(await vmm(sessions.sql, start.propolisId)).toMatchObject({ state: "creating" });
  });

  it("fail_sled waits, then fails the other VMMs of the sled", async () => {
    const s = await running(sessions.sql);
    expect(
      await race(losing(s), (sql) => failSled(sql, { sledId: s.start.sledId, reason: "sled_off" })),
    ).toMatchObject({ second: [], waited: "vmm" });
  });
});
