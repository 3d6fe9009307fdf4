import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { beginStart, failSled, reportVmms, runUpdate } from "../../src/index.js";
import {
  anotherStart,
  applied,
  migrating,
  running,
  say,
  update,
  vmm,
  writingNothing,
} from "../sql/scenario.js";
import { regressionDatabase, NOTHING, situationOf } from "./situation.js";

const database = regressionDatabase();

// A live migration failed, and the VM still ran on the host that it was to leave.
// It was recorded on the destination all the same, a host that did not have it.
it("OpenNebula 3582: a migration that the source reports failed leaves the guest on the source, though the destination reports completed", async () => {
  const { sql } = database;
  const s = await migrating(sql);
  await say(sql, s, "destination", "running", "completed");
  await say(sql, s, "active", "running", "failed");

  expect(await applied(runUpdate(sql, { ...s, sagaId: randomUUID() }))).toMatchObject({
    newState: "vmm",
    newActivePropolisId: s.propolisId,
    network: "keep",
    unlinkedPropolisIds: [s.destinationId],
    terminatePropolisIds: [s.destinationId],
  });
  expect(await situationOf(sql, s)).toEqual({
    ...NOTHING,
    shown: "running",
    intends: "running",
    active: s.propolisId,
    orphaned: [s.destinationId],
    watched: [s.propolisId, s.destinationId].sort(),
  });

  expect(await say(sql, s, "destination", "destroyed")).toMatchObject({ updateNeeded: false });
  expect(await situationOf(sql, s)).toEqual({
    ...NOTHING,
    shown: "running",
    intends: "running",
    active: s.propolisId,
    abandoned: [s.destinationId],
    watched: [s.propolisId],
  });
});

// Just before a host crashed, its probes could return an empty list of VMs, and an absent VM was taken to be off.
// The VMs stood as powered off, not as unknown: a crash looked like a shutdown.
it("OpenNebula 5564: a VMM missing from an agent's list stays as it is, and on a dead sled it is failed, not stopped by the guest", async () => {
  const { sql } = database;
  const s = await running(sql);
  const shutDown = await running(sql);

  expect(await writingNothing(sql, () => reportVmms(sql, []))).toEqual([]);
  expect(await situationOf(sql, s)).toEqual({
    ...NOTHING,
    shown: "running",
    intends: "running",
    active: s.propolisId,
    watched: [s.propolisId],
  });

  await failSled(sql, { sledId: s.start.sledId, reason: "sled_off" });
  await update(sql, s);
  expect(await vmm(sql, s.propolisId)).toMatchObject({ state: "failed", failure_reason: "sled_off" });
  await say(sql, shutDown, "active", "destroyed");
  await update(sql, shutDown);

  expect(await situationOf(sql, shutDown)).toEqual({
    ...NOTHING,
    shown: "stopped",
    intends: "guest_shutdown",
    abandoned: [shutDown.propolisId],
  });
  expect(await beginStart(sql, { ...anotherStart(shutDown), startReason: "auto_restart" })).toMatchObject({
    outcome: "conflict",
    reason: "restart_not_permitted",
  });
  expect(await situationOf(sql, s)).toEqual({
    ...NOTHING,
    shown: "failed",
    intends: "running",
    restartable: true,
    abandoned: [s.propolisId],
  });
  expect(await beginStart(sql, { ...anotherStart(s), startReason: "auto_restart" })).toMatchObject({
    outcome: "applied",
  });
});
