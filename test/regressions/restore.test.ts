import type postgres from "postgres";
import { describe, expect, it } from "vitest";
import { beginStart, deleteInstance, reportVmm, reportVmms, requestStop } from "../../src/index.js";
import { anotherStart, applied, stopped, writingNothing, type Scenario } from "../sql/scenario.js";
import { regressionDatabase, NOTHING, report, situationOf } from "./situation.js";

const database = regressionDatabase();

// After a failover to a replica that lagged, or a restore, the database does not know what started since: its agent is
// told not_found. Either the same begin_start adopts the guest, or, where that is refused, the guest has to end.

/** Started and running on its sled; then the database is as it was before the start. */
async function forgottenStart(sql: postgres.Sql): Promise<Scenario> {
  const s = await stopped(sql);
  const [backup] = await sql<{ row: postgres.JSONValue }[]>`
    select to_jsonb(i) as row from vmstate.instance as i where i.id = ${s.instanceId}`;
  await applied(beginStart(sql, s.start));
  await reportVmm(sql, report(s, s.propolisId, "running", 7));
  await sql.begin(async (tx) => {
    await tx`set local session_replication_role = replica`;
    await tx`delete from vmstate.instance where id = ${s.instanceId}`;
    await tx`delete from vmstate.vmm where id = ${s.propolisId}`;
    await tx`insert into vmstate.instance
      select r.* from jsonb_populate_record(null::vmstate.instance, ${tx.json(backup?.row ?? null)}) as r`;
  });
  return s;
}

async function isUnknown(sql: postgres.Sql, s: Scenario): Promise<void> {
  const late = report(s, s.propolisId, "running", 8);
  await writingNothing(sql, async () => {
    expect(await reportVmm(sql, late)).toMatchObject({ vmmOutcome: "not_found", updateNeeded: false });
    expect(await reportVmms(sql, [late])).toMatchObject([{ vmmOutcome: "not_found" }]);
  });
}

describe("an agent's report is not_found after a failover or a restore:", () => {
  it("a replay of begin_start adopts the guest, and its next report is applied", async () => {
    const { sql } = database;
    const s = await forgottenStart(sql);
    await isUnknown(sql, s);
    expect(await situationOf(sql, s)).toEqual({ ...NOTHING, shown: "stopped", intends: "stopped" });

    expect(await beginStart(sql, s.start)).toMatchObject({ outcome: "applied", apiState: "starting" });
    expect(await reportVmm(sql, report(s, s.propolisId, "running", 9))).toMatchObject({
      vmmOutcome: "applied",
      state: "running",
    });
    expect(await situationOf(sql, s)).toEqual({
      ...NOTHING,
      shown: "running",
      intends: "running",
      active: s.propolisId,
      watched: [s.propolisId],
    });
  });

  it("a replay of begin_start is a conflict if the instance was started again since, so the guest has to be ended", async () => {
    const { sql } = database;
    const s = await forgottenStart(sql);
    const other = anotherStart(s);
    await applied(beginStart(sql, other));
    await reportVmm(sql, report(s, other.propolisId, "running", 2));
    await isUnknown(sql, s);

    const after = {
      ...NOTHING,
      shown: "running",
      intends: "running",
      active: other.propolisId,
      watched: [other.propolisId],
    } as const;
    await writingNothing(sql, async () => {
      expect(await beginStart(sql, s.start)).toMatchObject({
        outcome: "conflict",
        reason: "already_started",
        activePropolisId: other.propolisId,
      });
      // so it is terminated on its sled, whose last word changes nothing
      expect(await reportVmm(sql, report(s, s.propolisId, "destroyed", 10))).toMatchObject({
        vmmOutcome: "not_found",
      });
    });
    expect(await situationOf(sql, s)).toEqual(after);
  });

  it("a replay of begin_start is gone if the instance was deleted since, so the guest has to be ended", async () => {
    const { sql } = database;
    const s = await forgottenStart(sql);
    await applied(deleteInstance(sql, s));
    await isUnknown(sql, s);
    expect(await writingNothing(sql, () => beginStart(sql, s.start))).toMatchObject({ outcome: "gone" });
  });

  it("a replay of begin_start adopts the guest of an instance that the user stopped since, and request_stop returns its VMM", async () => {
    const { sql } = database;
    const s = await forgottenStart(sql);
    await requestStop(sql, s);
    await applied(beginStart(sql, s.start));
    await reportVmm(sql, report(s, s.propolisId, "running", 9));
    expect(await requestStop(sql, s)).toMatchObject({
      outcome: "applied",
      commandPropolisIds: [s.propolisId],
    });
    expect(await situationOf(sql, s)).toMatchObject({ shown: "running", intends: "stopped" });
  });
});
