import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import {
  deleteVmm,
  type ReportedVmmState,
  reporter,
  reportVmm,
  type ReportVmmArguments,
  type ReportVmmResult,
  runUpdate,
} from "../../../src/index.js";
import { migrating, running, type Scenario, unknown, vmm } from "../../sql/scenario.js";
import { withDatabase } from "../../support/database.js";
import { holdVmm, recorder } from "./recorder.js";

const db = withDatabase();

const time = new Date();

const one = (): Promise<Scenario> => running(db.sql);

function reportOf(
  { instanceId, propolisId }: Pick<Scenario, "instanceId" | "propolisId">,
  generation: number,
  state: ReportedVmmState = "running",
): ReportVmmArguments {
  return { instanceId, propolisId, state, generation, time };
}

interface Ids extends Pick<Scenario, "instanceId" | "propolisId" | "destinationId" | "migrationId"> {
  deleted: Scenario;
}

/** Reports of an instance that migrates and of a deleted VMM: one for each outcome, and several of one VMM. */
function everyReport(s: Ids): ReportVmmArguments[] {
  const side = { state: "in_progress", generation: 2 } as const;
  const into = (a: ReportVmmArguments, migrationInGeneration: number): ReportVmmArguments => ({
    ...a,
    ...{ migrationInId: s.migrationId, migrationInState: side.state, migrationInGeneration },
    migrationInTime: time,
  });
  const out = (a: ReportVmmArguments, state: "in_progress" | "completed"): ReportVmmArguments => ({
    ...a,
    ...{ migrationOutId: s.migrationId, migrationOutState: state, migrationOutGeneration: 9 },
    migrationOutTime: time,
  });
  const destination = { ...s, propolisId: s.destinationId };
  return [
    reportOf(s, 5),
    reportOf(s, 5),
    reportOf(s, 4, "stopping"),
    into(reportOf(destination, 2, "migrating"), 3),
    into(reportOf(destination, 3), 2),
    into(reportOf(s, 6), 7),
    out(reportOf(s, 7, "migrating"), "completed"),
    out(reportOf(s, 7, "migrating"), "in_progress"),
    reportOf(unknown(), 2),
    reportOf(destination, 9, "destroyed"),
    reportOf(destination, 10),
    reportOf(s, 11, "destroyed"),
    reportOf(s, 11, "destroyed"),
    reportOf(s.deleted, 99),
  ];
}

async function ids(): Promise<Ids> {
  const deleted = await running(db.sql);
  await reportVmm(db.sql, reportOf(deleted, 3, "destroyed"));
  await runUpdate(db.sql, { instanceId: deleted.instanceId, sagaId: deleted.start.sagaId });
  await deleteVmm(db.sql, deleted);
  return { ...(await migrating(db.sql)), deleted };
}

describe("report()", () => {
  it("resolves to the verdict of reportVmm for each call, whatever the outcome", async () => {
    const expected: ReportVmmResult[] = [];
    for (const report of everyReport(await ids())) expected.push(await reportVmm(db.sql, report));
    const outcomes = expected.flatMap((of) => [
      of.vmmOutcome,
      of.migrationInOutcome,
      of.migrationOutOutcome,
      of.updateNeeded,
    ]);
    expect(new Set(outcomes)).toEqual(
      new Set(["applied", "stale", "terminal", "gone", "not_found", "wrong_side", null, true, false]),
    );

    const { report } = reporter(db.sql);
    expect(await Promise.all(everyReport(await ids()).map(report))).toEqual(expected);
  });

  it("sends a report at once when nothing is under way, and gathers what comes meanwhile", async () => {
    const [held, other, ...rest] = await Promise.all([one(), one(), one(), one(), one()]);
    const client = recorder(db.sql);
    const { report } = reporter(client);
    await using lock = await holdVmm(db, held.propolisId);
    const first = report(reportOf(held, 3));
    await lock.waiter();
    expect(client.sizes).toEqual([1]);

    const second = report(reportOf(other, 3));
    await turn();
    const gathered = rest.map((s) => report(reportOf(s, 3)));
    expect(await Promise.all([second, ...gathered])).toHaveLength(4);
    expect(client.sizes).toEqual([1, 1, 3]);
    await lock.release();
    expect(await first).toMatchObject({ vmmOutcome: "applied" });
  });

  it("keeps the order of each VMM, also when the id is spelled in several ways", async () => {
    const [first, second, third] = await Promise.all([one(), one(), one()]);
    const { report } = reporter(db.sql, { maxBatch: 3 });
    const spell = [
      (id: string) => id,
      (id: string) => id.toUpperCase(),
      (id: string) => `{${id.replaceAll("-", "")}}`,
    ];
    const calls: Promise<ReportVmmResult>[] = [];
    for (let n = 0; n < 90; n++) {
      const s = n % 3 === 0 ? first : n % 3 === 1 ? second : third;
      const propolisId = String(spell[Math.trunc(n / 7) % spell.length]?.(s.propolisId));
      if (n % 20 === 0) await turn();
      calls.push(report(reportOf({ ...s, propolisId }, 3 + n)));
    }
    // A report that overtakes an earlier one of its VMM makes the earlier one stale.
    for (const [n, verdict] of (await Promise.all(calls)).entries())
      expect(verdict).toMatchObject({ vmmOutcome: "applied", state: "running", stateGeneration: 3 + n });
  });

  it("sends many reports of one VMM together, and reports of other VMMs in batches of their own", async () => {
    const [busy, ...others] = await Promise.all([one(), one(), one(), one(), one()]);
    const client = recorder(db.sql);
    const { report } = reporter(client);
    const ofBusy = Array.from({ length: 28 }, (_, n) => report(reportOf(busy, 3 + n)));
    const ofOthers = others.map((s) => report(reportOf(s, 3)));
    for (const verdict of await Promise.all([...ofBusy, ...ofOthers]))
      expect(verdict).toMatchObject({ vmmOutcome: "applied" });
    expect(client.sizes).toEqual([28, 4]);
  });

  it("does not let VMMs with many reports keep the others waiting", async () => {
    const [busy, other, quiet] = await Promise.all([one(), one(), one()]);
    const { report } = reporter(db.sql, { maxBatch: 4 });
    const settled: string[] = [];
    const calls = [busy, other].flatMap((s) =>
      Array.from({ length: 40 }, async (_, n) => {
        await report(reportOf(s, 3 + n));
        settled.push("busy");
      }),
    );
    await report(reportOf(quiet, 3));
    expect(settled.length).toBeLessThan(20);
    await Promise.all(calls);
  });

  it("sends the report as it is at the time of the call", async () => {
    const s = await running(db.sql);
    const mutable = { ...reportOf(s, 3), time: new Date(0) };
    const reported = reporter(db.sql).report(mutable);
    mutable.generation = 9;
    mutable.time.setTime(2 ** 40);
    expect(await reported).toMatchObject({ vmmOutcome: "applied", stateGeneration: 3 });
    const [row] = await db.sql`
      select time_state_updated = 'epoch' as is from vmstate.vmm where id = ${s.propolisId}`;
    expect(row?.["is"]).toBe(true);
    expect((await vmm(db.sql, s.propolisId))["state_generation"]).toBe(3);
  });

  it("divides many reports into the two batches that may be under way", async () => {
    const vmms = await Promise.all(Array.from({ length: 70 }, one));
    const client = recorder(db.sql);
    const { report } = reporter(client);
    await Promise.all(vmms.map((s) => report(reportOf(s, 3))));
    expect(client.sizes).toEqual([35, 35]);
  });

  it("never sends more than maxBatch reports at once", async () => {
    const vmms = await Promise.all(Array.from({ length: 7 }, () => running(db.sql)));
    const client = recorder(db.sql);
    const { report } = reporter(client, { maxBatch: 3 });
    await Promise.all(vmms.map((s) => report(reportOf(s, 3))));
    expect(client.sizes).toEqual([3, 3, 1]);
  });
});

describe("where there is no setImmediate, as in a browser", () => {
  it("reports are gathered all the same", async () => {
    const client = recorder(db.sql);
    const { report } = reporter(client);
    const vmms = await Promise.all([one(), one(), one()]);
    vi.stubGlobal("setImmediate", undefined);
    const calls = vmms.map((s) => report(reportOf(s, 3)));
    vi.unstubAllGlobals();
    const verdicts = await Promise.all(calls);
    expect(verdicts.map(({ vmmOutcome }) => vmmOutcome)).toEqual(["applied", "applied", "applied"]);
    expect(client.sizes).toEqual([3]);
  });
});

describe("a limit that is no whole number from 1 is refused", () => {
  it.each([0, -1, 1.5, Number.NaN, Infinity, "1" as unknown as number])("%s", (value) => {
    for (const name of ["maxBatch", "maxQueue"] as const)
      expect(() => reporter(db.sql, { [name]: value })).toThrow(
        `reporter: ${name} must be a whole number from 1, not ${String(value)}`,
      );
  });
});
