import { describe, expect, it } from "vitest";
import {
  createInstance,
  deleteInstance,
  deleteVmm,
  purge,
  reportVmms,
  requestStop,
  type PurgeResult,
  type ReportVmmsResult,
} from "../../../src/index.js";
import { applied, deleted, failed, instance, saying, update, vmm, type Scenario } from "../scenario.js";
import { report, reporting } from "./calls.js";
import { newSessions, type Act } from "./sessions.js";

const sessions = newSessions();
const { overtake, race } = sessions;

const purging: Act<PurgeResult> = (sql) => purge(sql, { before: new Date(Date.now() - 7_200_000) });

const NOTHING = { migrations: 0, vmms: 0, instances: 0, leftOver: false };

/** All that is soft-deleted by now was so three hours ago. */
async function threeHoursPass(): Promise<void> {
  await sessions.sql.begin(async (tx) => {
    await tx`set local session_replication_role = replica`;
    for (const table of ["instance", "vmm", "migration"])
      await tx`update vmstate.${tx(table)} set time_deleted = time_deleted - interval '3 hours'
        where time_deleted is not null`;
  });
}

/** Purges what earlier tests deleted. */
async function purgeAll(): Promise<void> {
  await threeHoursPass();
  await purging(sessions.sql);
}

/** One deleted VMM of an instance that lives, and nothing else to purge. */
async function deletedVmm(): Promise<Scenario> {
  await purgeAll();
  const s = await failed(sessions.sql);
  await applied(deleteVmm(sessions.sql, s));
  await threeHoursPass();
  return s;
}

async function deletedInstance(): Promise<Scenario> {
  await purgeAll();
  const s = await deleted(sessions.sql);
  await threeHoursPass();
  return s;
}

/** Reports of the deleted VMM in a batch. */
function late(s: Scenario): Act<ReportVmmsResult[]> {
  return (sql) => reportVmms(sql, [report(s, s.propolisId, "running", 9)]);
}

describe("purge waits for no lock, and", () => {
  it("deletes a VMM of which a batch reports late: the report is gone, and locked nothing", async () => {
    const s = await deletedVmm();
    expect(await overtake(late(s), purging)).toEqual({
      first: [expect.objectContaining({ vmmOutcome: "gone" })],
      second: { ...NOTHING, vmms: 1 },
    });
  });
});

describe("purge waits for no lock, and skips", () => {
  it("a VMM locked by a replay of delete_vmm", async () => {
    const s = await deletedVmm();
    expect(await overtake((sql) => deleteVmm(sql, s), purging)).toMatchObject({
      first: { outcome: "unchanged" },
      second: NOTHING,
    });
  });

  it("a VMM whose delete_vmm is not committed", async () => {
    const s = await failed(sessions.sql);
    await purgeAll();
    expect(await overtake((sql) => deleteVmm(sql, s), purging)).toMatchObject({
      first: { outcome: "applied" },
      second: NOTHING,
    });
    expect(await vmm(sessions.sql, s.propolisId)).toMatchObject({ state: "failed" });
  });

  it("an instance locked by a late request_stop, which is gone", async () => {
    const s = await deletedInstance();
    expect(await overtake((sql) => requestStop(sql, s), purging)).toMatchObject({
      first: { outcome: "gone" },
      second: NOTHING,
    });
    expect(await purging(sessions.sql)).toEqual({ ...NOTHING, instances: 1 });
  });

  it("an instance whose delete_instance is not committed", async () => {
    const s = await failed(sessions.sql);
    await purgeAll();
    expect(await overtake((sql) => deleteInstance(sql, s), purging)).toMatchObject({
      first: { outcome: "applied" },
      second: NOTHING,
    });
    expect(await instance(sessions.sql, s)).toMatchObject({ state: "destroyed" });
  });

  it("a row that another purge has locked: each row is deleted and counted once", async () => {
    await deletedVmm();
    expect(await overtake(purging, purging)).toEqual({ first: { ...NOTHING, vmms: 1 }, second: NOTHING });
  });
});

describe("purge holds the rows that it deletes:", () => {
  it("a late report does not wait, and is gone", async () => {
    const s = await deletedVmm();
    expect(await overtake(purging, reporting(s, "running", 9))).toMatchObject({
      first: { vmms: 1 },
      second: { vmmOutcome: "gone" },
    });
  });

  it("a late batch does not wait, and its report is gone", async () => {
    const s = await deletedVmm();
    expect(await overtake(purging, late(s))).toMatchObject({
      first: { vmms: 1 },
      second: [{ vmmOutcome: "gone" }],
    });
  });

  it("a late replay of delete_vmm waits, then is not_found", async () => {
    const s = await deletedVmm();
    expect(await race(purging, (sql) => deleteVmm(sql, s))).toMatchObject({
      second: { outcome: "not_found" },
      waited: "vmm",
    });
  });

  it("a late replay of create_instance waits for the commit, then creates the instance anew", async () => {
    const s = await deletedInstance();
    expect(await race(purging, (sql) => createInstance(sql, s.create))).toMatchObject({
      first: { instances: 1 },
      second: { outcome: "applied", apiState: "creating" },
    });
  });

  it("reports and updates of other instances do not wait", async () => {
    await deletedVmm();
    const other = await saying(sessions.sql, "failed");
    await overtake(purging, async (sql) => reporting(other, "running", 99)(sql));
    await update(sessions.sql, other);
    expect(await instance(sessions.sql, other)).toMatchObject({ state: "failed" });
  });
});
