import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { type Vmstate, vmstate } from "../../src/index.js";
import { withDatabase } from "../support/database.js";
import { running, stopped } from "../sql/scenario.js";

/**
 * A failover to a replica that lagged behind loses transactions that were answered; here, such transactions are rolled
 * back. docs/operations.md says what to do then.
 */
const db = withDatabase();
let vm: Vmstate;
beforeAll(() => {
  vm = vmstate(db.sql);
});

class Lost extends Error {}

/** Calls verbs on the old primary, which the new primary knows nothing of: in a transaction that is rolled back. */
async function lost(act: (vm: Vmstate) => Promise<unknown>): Promise<void> {
  const failure = db.sql.begin(async (sql) => {
    await act(vmstate(sql));
    throw new Lost();
  });
  await expect(failure).rejects.toThrow(Lost);
}

describe("an agent's report is not_found after a failover (Nova: instances running, deleted in the database):", () => {
  const reportOf = (instanceId: string, propolisId: string) =>
    ({ instanceId, propolisId, state: "running", generation: 7, time: new Date() }) as const;

  it("a replay of begin_start is applied and adopts the guest", async () => {
    const { instanceId, start } = await stopped(db.sql);
    await lost((primary) => primary.beginStart(start));
    const report = reportOf(instanceId, start.propolisId);
    expect(await vm.reportVmm(report)).toMatchObject({ vmmOutcome: "not_found" });
    expect(await vm.beginStart(start)).toMatchObject({
      outcome: "applied",
      activePropolisId: start.propolisId,
    });
    expect(await vm.reportVmm(report)).toMatchObject({ vmmOutcome: "applied", state: "running" });
    expect(await vm.beginStart(start)).toMatchObject({ outcome: "unchanged", apiState: "running" });
  });

  it("a replay of begin_start is a conflict if another VMM was started since, so the guest has to be ended", async () => {
    const { instanceId, start } = await stopped(db.sql);
    await lost((primary) => primary.beginStart(start));
    await vm.beginStart({ ...start, sagaId: randomUUID(), propolisId: randomUUID() });
    expect(await vm.beginStart(start)).toMatchObject({ outcome: "conflict", reason: "already_started" });
    expect(await vm.reportVmm(reportOf(instanceId, start.propolisId))).toMatchObject({
      vmmOutcome: "not_found",
    });
  });

  it("a replay of begin_migration is applied and adopts the destination while the source runs", async () => {
    const { instanceId, migration, destinationId } = await running(db.sql);
    await lost((primary) => primary.beginMigration(migration));
    const report = reportOf(instanceId, destinationId);
    expect(await vm.reportVmm(report)).toMatchObject({ vmmOutcome: "not_found" });
    expect(await vm.beginMigration(migration)).toMatchObject({ outcome: "applied", apiState: "migrating" });
    expect(await vm.reportVmm(report)).toMatchObject({ vmmOutcome: "applied" });
  });

  it("a replay of begin_start is not_found if the instance is lost too, so the guest has to be ended", async () => {
    const { start } = await stopped(db.sql);
    expect(await vm.beginStart({ ...start, instanceId: randomUUID() })).toMatchObject({
      outcome: "not_found",
    });
  });

  it("a repeated report is applied to a VMM whose row has lost it", async () => {
    const { instanceId, propolisId } = await running(db.sql);
    const report = { ...reportOf(instanceId, propolisId), state: "stopping", generation: 99 } as const;
    await lost((primary) => primary.reportVmm(report));
    expect(await vm.reportVmm(report)).toMatchObject({ vmmOutcome: "applied", stateGeneration: 99 });
  });
});
