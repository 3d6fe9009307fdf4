import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { reporter, type ReportVmmArguments } from "../../../src/index.js";
import { running, type Scenario } from "../../sql/scenario.js";
import { withDatabase } from "../../support/database.js";
import { holdVmm, recorder } from "./recorder.js";

const db = withDatabase();

const one = (): Promise<Scenario> => running(db.sql);

function reportOf({ instanceId, propolisId }: Scenario, generation = 3): ReportVmmArguments {
  return { instanceId, propolisId, state: "running", generation, time: new Date() };
}

describe("a full queue", () => {
  it("lets reports wait for room in the order of the calls, and drops none", async () => {
    const [held, other, busy] = await Promise.all([one(), one(), one()]);
    const client = recorder(db.sql);
    const { report } = reporter(client, { maxBatch: 2, maxQueue: 3 });
    await using lock = await holdVmm(db, held.propolisId);
    const calls = [report(reportOf(held))];
    await lock.waiter();
    for (let n = 0; n < 40; n++) calls.push(report(reportOf(n % 4 === 0 ? other : busy, 3 + n)));
    await lock.release();
    for (const verdict of await Promise.all(calls)) expect(verdict).toMatchObject({ vmmOutcome: "applied" });
    expect(Math.max(...client.sizes)).toBe(2);
  });

  it("makes ready() wait until it has room", async () => {
    const [first, second, third, fourth] = await Promise.all([one(), one(), one(), one()]);
    const { report, ready } = reporter(db.sql, { maxBatch: 1, maxQueue: 2 });
    const events: string[] = [];
    const note = async (name: string, done: Promise<unknown>): Promise<void> => {
      await done;
      events.push(name);
    };
    await using lock = await holdVmm(db, first.propolisId);
    await using otherLock = await holdVmm(db, second.propolisId);
    await note("ready", ready());
    const underWay = [note("first", report(reportOf(first))), note("second", report(reportOf(second)))];
    await lock.waiter();
    await otherLock.waiter();
    await note("ready", ready());
    const queued = [note("third", report(reportOf(third)))];
    await note("ready", ready());
    queued.push(note("fourth", report(reportOf(fourth))));
    const full = note("room", ready());
    await turn();
    expect(events).toEqual(["ready", "ready", "ready"]);
    await lock.release();
    await full;
    expect(events).not.toContain("fourth");
    await otherLock.release();
    await Promise.all([...underWay, ...queued]);
    expect(events).toContain("fourth");
  });

  it("a source that waits for ready() never has more reports under way than fit", async () => {
    const vmms = await Promise.all(Array.from({ length: 6 }, one));
    const { report, ready, close } = reporter(db.sql, { maxBatch: 2, maxQueue: 4 });
    let unanswered = 0;
    let most = 0;
    const calls: Promise<unknown>[] = [];
    for (let n = 0; n < 60; n++) {
      await ready();
      const s = vmms[n % vmms.length] ?? (await one());
      unanswered++;
      most = Math.max(most, unanswered);
      calls.push(report(reportOf(s, 3 + n)).finally(() => unanswered--));
    }
    await close();
    for (const verdict of await Promise.all(calls)) expect(verdict).toMatchObject({ vmmOutcome: "applied" });
    // What waits, two batches under way, and a batch whose verdicts are about to be handed on.
    expect(most).toBeLessThanOrEqual(4 + 3 * 2);
  });
});

describe("close()", () => {
  it("resolves after every report before has its verdict, those that wait for room too", async () => {
    const vmms = await Promise.all(Array.from({ length: 9 }, one));
    const { report, close } = reporter(db.sql, { maxBatch: 2, maxQueue: 2 });
    const outcomes: string[] = [];
    const calls = vmms.map(async (s) => outcomes.push((await report(reportOf(s))).vmmOutcome));
    await Promise.all([close(), close()]);
    expect(outcomes).toEqual(vmms.map(() => "applied"));
    await Promise.all(calls);
    await close();
  });

  it("resolves after a report was refused", async () => {
    const s = await one();
    const { report, close } = reporter(db.sql);
    const refused = expect(report(reportOf(s, 0))).rejects.toMatchObject({ code: "VM001" });
    await close();
    await refused;
  });

  it("resolves when nothing was reported, and leaves the client open", async () => {
    const { close } = reporter(db.sql);
    await close();
    expect(await db.sql`select 1`).toHaveLength(1);
  });

  it("makes later calls fail, and sends nothing of them", async () => {
    const s = await one();
    const client = recorder(db.sql);
    const { report, ready, close } = reporter(client);
    const before = report(reportOf(s));
    const closed = close();
    for (const late of [report(reportOf(s, 4)), ready()])
      await expect(late).rejects.toMatchObject({
        name: "VmstateError",
        message: "reporter: it is closed, and takes no further reports",
      });
    expect(await before).toMatchObject({ vmmOutcome: "applied" });
    await closed;
    expect(client.sizes).toEqual([1]);
  });
});
