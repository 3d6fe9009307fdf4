import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  beginStart,
  beginUpdate,
  deleteVmm,
  failSled,
  runUpdate,
  settle,
  type SettleResult,
} from "../../../src/index.js";
import { anotherStart, migrating, running, saying, type Scenario } from "../scenario.js";
import { untilWaiting } from "../../support/waiting.js";
import { reporting, updating } from "./calls.js";
import { newSessions, type Act } from "./sessions.js";

const sessions = newSessions();
const { race } = sessions;

const settling =
  ({ instanceId }: Scenario, propolisId: string, sagaId = randomUUID()): Act<SettleResult> =>
  (sql) =>
    settle(sql, { instanceId, propolisId, sagaId, state: "destroyed", generation: 9, time: new Date() });

const updatingAtOnce =
  ({ instanceId }: Scenario): Act<unknown> =>
  (sql) =>
    runUpdate(sql, { instanceId, sagaId: randomUUID() });

const SETTLED = { vmmOutcome: "applied", updateOutcome: "applied", deleteOutcome: "applied" };

describe("settle holds the instance, then its VMMs, then its migrations:", () => {
  it("run_update waits for settle, then has nothing to update", async () => {
    const s = await running(sessions.sql);
    expect(await race(settling(s, s.propolisId), updatingAtOnce(s))).toMatchObject({
      first: SETTLED,
      second: { outcome: "unchanged" },
      waited: "instance",
    });
  });

  it("settle waits for run_update, then deletes the VMM", async () => {
    const s = await saying(sessions.sql, "destroyed");
    expect(await race(updatingAtOnce(s), settling(s, s.propolisId))).toMatchObject({
      first: { outcome: "applied" },
      second: { vmmOutcome: "terminal", updateOutcome: "unchanged", deleteOutcome: "applied" },
      waited: "instance",
    });
  });

  it("settle waits for begin_update, and leaves the update to the saga that holds the lock", async () => {
    const s = await saying(sessions.sql, "destroyed");
    const beginning: Act<unknown> = (sql) =>
      beginUpdate(sql, { instanceId: s.instanceId, sagaId: randomUUID(), lease: "1 hour" });
    expect(await race(beginning, settling(s, s.propolisId))).toMatchObject({
      first: { outcome: "applied" },
      second: { vmmOutcome: "terminal", updateReason: "locked", deleteReason: "linked" },
      waited: "instance",
    });
  });

  it("settle waits for commit_update, then deletes the VMM that it unlinked", async () => {
    const s = await saying(sessions.sql, "destroyed");
    expect(await race(await updating(sessions.sql, s), settling(s, s.propolisId))).toMatchObject({
      first: { outcome: "applied" },
      second: { updateOutcome: "unchanged", deleteOutcome: "applied" },
      waited: "instance",
    });
  });

  it("begin_start waits for settle, then starts the instance", async () => {
    const s = await running(sessions.sql);
    expect(await race(settling(s, s.propolisId), (sql) => beginStart(sql, anotherStart(s)))).toMatchObject({
      first: SETTLED,
      second: { outcome: "applied" },
      waited: "instance",
    });
  });

  it("delete_vmm waits for settle, then is unchanged", async () => {
    const s = await running(sessions.sql);
    expect(await race(settling(s, s.propolisId), (sql) => deleteVmm(sql, s))).toMatchObject({
      first: SETTLED,
      second: { outcome: "unchanged" },
      waited: "vmm",
    });
  });

  it("settle waits for a newer report, then is stale and settles nothing", async () => {
    const s = await running(sessions.sql);
    expect(await race(reporting(s, "running", 10), settling(s, s.propolisId))).toMatchObject({
      first: { vmmOutcome: "applied" },
      second: { vmmOutcome: "stale", updateOutcome: null, deleteOutcome: null },
      waited: "vmm",
    });
  });

  it.each(["propolisId", "destinationId"] as const)(
    "during a migration, fail_sled of both VMMs waits for settle of the %s without a deadlock",
    async (vmm) => {
      const s = await migrating(sessions.sql);
      const fail: Act<unknown> = (sql) => failSled(sql, { sledId: s.start.sledId, reason: "sled_off" });
      const { first, second } = await race(settling(s, s[vmm]), fail);
      expect(first).toMatchObject({ vmmOutcome: "applied" });
      expect(second).toBeInstanceOf(Array);
    },
  );

  it("during a migration, settle waits for the VMM with the lower id before it locks the other one", async () => {
    const s = await migrating(sessions.sql);
    const [lower = "", higher = ""] = [s.propolisId, s.destinationId].sort();
    await using holder = await sessions.session();
    await using settler = await sessions.session();
    await holder.sql`begin`;
    await holder.sql`select from vmstate.vmm where id = ${lower} for no key update`;
    const settled = settling(s, higher)(settler.sql);
    await untilWaiting(sessions.sql, settler.pid);
    const locked = await holder.sql`select from vmstate.vmm where id = ${higher} for no key update nowait`;
    expect(locked).toHaveLength(1);
    await holder.sql`commit`;
    expect(await settled).toMatchObject({ vmmOutcome: "applied" });
  });

  it("two settles of one VMM: the second is gone and has nothing to do", async () => {
    const s = await running(sessions.sql);
    const act = settling(s, s.propolisId);
    expect(await race(act, act)).toMatchObject({
      first: SETTLED,
      second: { vmmOutcome: "gone", updateOutcome: "unchanged", deleteOutcome: "unchanged" },
      waited: "instance",
    });
  });
});
