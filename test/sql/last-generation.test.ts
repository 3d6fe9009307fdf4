import { afterAll, expect, it } from "vitest";
import {
  deleteVmm,
  failSled,
  failVmm,
  invariantViolations,
  reportVmm,
  unwindMigration,
  unwindStart,
} from "../../src/index.js";
import { withDatabase } from "../support/database.js";
import { applied, migrating, migration, running, type Scenario, update, vmm } from "./scenario.js";

// A sled agent may report any generation. The last one leaves no room for another, but the row must still be able to end.

const LAST = Number.MAX_SAFE_INTEGER;

const db = withDatabase();
afterAll(async () => {
  expect(await invariantViolations(db.sql)).toEqual([]);
});

async function atTheEnd(): Promise<Scenario> {
  const s = await running(db.sql);
  const { instanceId, propolisId } = s;
  const report = { instanceId, propolisId, state: "running", generation: LAST, time: new Date() } as const;
  expect(await reportVmm(db.sql, report)).toMatchObject({ vmmOutcome: "applied", stateGeneration: LAST });
  return s;
}

it("fail_vmm fails a VMM at the last generation", async () => {
  const s = await atTheEnd();
  await applied(failVmm(db.sql, { ...s, reason: "no_such_vmm" }));
  expect(await vmm(db.sql, s.propolisId)).toMatchObject({ state: "failed", state_generation: LAST });
  await update(db.sql, s);
  await applied(deleteVmm(db.sql, s));
});

it("fail_sled fails a VMM at the last generation", async () => {
  const s = await atTheEnd();
  expect(await failSled(db.sql, { ...s.start, reason: "sled_off" })).toMatchObject([
    { propolisId: s.propolisId, state: "failed", stateGeneration: LAST },
  ]);
});

it("unwind_start unwinds a VMM that failed at the last generation", async () => {
  const s = await atTheEnd();
  await applied(failVmm(db.sql, { ...s, reason: "no_such_vmm" }));
  await applied(unwindStart(db.sql, s.start));
  expect(await vmm(db.sql, s.propolisId)).toMatchObject({ state: "saga_unwound", state_generation: LAST });
});

it("unwind_migration fails both sides at the last generation", async () => {
  const s = await migrating(db.sql);
  const last = { state: "in_progress", generation: LAST, time: new Date() } as const;
  const report = { instanceId: s.instanceId, state: "migrating", generation: LAST, time: last.time } as const;
  await reportVmm(db.sql, {
    ...report,
    propolisId: s.propolisId,
    migrationOutId: s.migrationId,
    migrationOutState: last.state,
    migrationOutGeneration: LAST,
    migrationOutTime: last.time,
  });
  await reportVmm(db.sql, {
    ...report,
    propolisId: s.destinationId,
    migrationInId: s.migrationId,
    migrationInState: last.state,
    migrationInGeneration: LAST,
    migrationInTime: last.time,
  });
  await applied(unwindMigration(db.sql, s.migration));
  expect(await vmm(db.sql, s.destinationId)).toMatchObject({ state: "saga_unwound", state_generation: LAST });
  expect(await migration(db.sql, s.migrationId)).toMatchObject({
    source_state: "failed",
    source_generation: LAST,
    destination_state: "failed",
    destination_generation: LAST,
  });
});

it.each(["state = 'stopping'", "time_started = now()", "state = 'failed', failure_reason = 'operator'"])(
  "an UPDATE to %s at the last generation is legal only if the VMM dies",
  async (columns) => {
    const s = await atTheEnd();
    const write = db.sql`update vmstate.vmm set ${db.sql.unsafe(columns)} where id = ${s.propolisId}`;
    if (columns.includes("failed")) await write;
    else await expect(write).rejects.toMatchObject({ code: "VM101" });
  },
);

it("an UPDATE to failed below the last generation needs a newer generation", async () => {
  const s = await running(db.sql);
  const write = db.sql`
    update vmstate.vmm set state = 'failed', failure_reason = 'operator' where id = ${s.propolisId}`;
  await expect(write).rejects.toMatchObject({ code: "VM101" });
});
