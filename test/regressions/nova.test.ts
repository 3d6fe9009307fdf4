import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import {
  beginMigration,
  beginStart,
  beginUpdate,
  commitUpdate,
  deleteVmm,
  explainUpdate,
  failSled,
  failVmm,
  reportVmm,
  reportVmms,
  runUpdate,
  unwindMigration,
} from "../../src/index.js";
import {
  anotherStart,
  applied,
  expireLease,
  instance,
  migrating,
  migration,
  running,
  say,
  saying,
  stopped,
  update,
  vmm,
  writingNothing,
} from "../sql/scenario.js";
import {
  elevenMinutesPass,
  regressionDatabase,
  NOTHING,
  report,
  situationOf,
  whileHeld,
} from "./situation.js";

const database = regressionDatabase();

// The guest had moved, then the clean-up on the source failed (disconnecting its volumes), and with it the migration.
// The server ended in error; all the same it has to be recorded on the host where it runs, the destination.
it("Nova 1628606: a source that fails after it reported completed does not remain the active VMM", async () => {
  const { sql } = database;
  const s = await migrating(sql);
  await say(sql, s, "destination", "migrating", "in_progress");
  expect(await say(sql, s, "active", "failed", "completed")).toMatchObject({
    vmmOutcome: "applied",
    migrationOutOutcome: "applied",
    updateNeeded: true,
  });
  await update(sql, s);
  expect(await situationOf(sql, s)).toEqual({
    ...NOTHING,
    shown: "migrating",
    intends: "running",
    active: s.destinationId,
    destination: s.destinationId,
    abandoned: [s.propolisId],
    watched: [s.destinationId],
  });

  await say(sql, s, "destination", "running", "completed");
  await update(sql, s);
  expect(await situationOf(sql, s)).toEqual({
    ...NOTHING,
    shown: "running",
    intends: "running",
    active: s.destinationId,
    abandoned: [s.propolisId],
    watched: [s.destinationId],
  });
});

// libvirt raised an error after the guest had moved; Nova took it for still on the source, and then for off everywhere.
// The user could start it once more: two copies that write the same volumes.
it.each(["first", "last"])(
  "Nova 1414065: a source that is destroyed and reports %s that the migration failed does not allow a second start of a moved guest",
  async (order) => {
    const { sql } = database;
    const s = await migrating(sql);
    if (order === "last") await say(sql, s, "destination", "running", "completed");
    await say(sql, s, "active", "destroyed", "failed");
    if (order === "first") await say(sql, s, "destination", "running", "completed");

    expect(await beginStart(sql, anotherStart(s))).toMatchObject({
      outcome: "conflict",
      reason: "not_stopped",
    });
    await update(sql, s);
    expect(await beginStart(sql, anotherStart(s))).toMatchObject({
      outcome: "conflict",
      reason: "already_started",
      activePropolisId: s.destinationId,
    });
    expect(await situationOf(sql, s)).toEqual({
      ...NOTHING,
      shown: "running",
      intends: "running",
      active: s.destinationId,
      abandoned: [s.propolisId],
      watched: [s.destinationId],
    });
  },
);

// An evacuation for which the scheduler found no host left its migration record in "accepted" instead of "error".
// When the source host came back, it took that for a finished evacuation and deleted the only copy of the server.
it("Nova 1713783: an unwound migration stays failed when its source reports again, and the guest stays on the source", async () => {
  const { sql } = database;
  const s = await migrating(sql);
  await applied(unwindMigration(sql, s.migration));
  const ended = { source_state: "failed", destination_state: "failed" };
  expect(await migration(sql, s.migrationId)).toMatchObject(ended);

  expect(await say(sql, s, "active", "running", "completed")).toMatchObject({
    vmmOutcome: "applied",
    migrationOutOutcome: "terminal",
    updateNeeded: false,
  });
  expect(await migration(sql, s.migrationId)).toMatchObject(ended);
  expect(await explainUpdate(sql, s)).toMatchObject({
    newActivePropolisId: s.propolisId,
    unlinkedPropolisIds: [s.destinationId],
    terminatePropolisIds: [],
  });
  await update(sql, s);

  expect(await situationOf(sql, s)).toEqual({
    ...NOTHING,
    shown: "running",
    intends: "running",
    active: s.propolisId,
    abandoned: [s.destinationId],
    watched: [s.propolisId],
  });
});

// A second identical request found the task state already as it wanted it, so nothing was saved and no check was made.
// Nearly every action could run twice at once on one instance; shelving twice corrupted a customer's database.
it("Nova 1821373: a begin_migration with the ids of another saga's migration is a conflict, not a success", async () => {
  const { db, sql } = database;
  const s = await running(sql);
  const twin = { ...s.migration, sagaId: randomUUID() };

  const { first, second } = await whileHeld(
    db,
    (held) => beginMigration(held, s.migration),
    (waiting) => beginMigration(waiting, twin),
  );
  expect(first).toMatchObject({ outcome: "applied" });
  expect(second).toMatchObject({
    outcome: "conflict",
    reason: "migration_in_progress",
    migrationId: s.migrationId,
    stateGeneration: 4,
  });
  expect(await unwindMigration(sql, twin)).toMatchObject({ outcome: "conflict", reason: "wrong_saga" });
  expect(await beginMigration(sql, s.migration)).toMatchObject({ outcome: "unchanged", stateGeneration: 4 });

  expect(await situationOf(sql, s)).toEqual({
    ...NOTHING,
    shown: "migrating",
    intends: "running",
    active: s.propolisId,
    destination: s.destinationId,
    watched: [s.propolisId],
  });
});

// Known here by its title only: a live migration is left in migrating as the domain is not found.
// This test: the source is gone in the middle of a migration, which has to be seen, and to end.
it("Nova 1662626: a migration whose source is dead is listed as stuck, and ends with its destination", async () => {
  const { sql } = database;
  const s = await migrating(sql);
  await say(sql, s, "destination", "migrating", "in_progress");
  await applied(failVmm(sql, { ...s, reason: "no_such_vmm" }));

  expect(await runUpdate(sql, { ...s, sagaId: randomUUID() })).toMatchObject({ outcome: "unchanged" });
  expect(await beginStart(sql, anotherStart(s))).toMatchObject({
    outcome: "conflict",
    reason: "not_stopped",
  });
  await elevenMinutesPass(sql, s);
  expect(await situationOf(sql, s)).toEqual({
    ...NOTHING,
    shown: "migrating",
    intends: "running",
    active: s.propolisId,
    destination: s.destinationId,
    waitsFor: "migration",
    watched: [s.destinationId],
  });

  expect(await say(sql, s, "destination", "failed", "failed")).toMatchObject({ updateNeeded: true });
  await update(sql, s);
  expect(await situationOf(sql, s)).toEqual({
    ...NOTHING,
    shown: "failed",
    intends: "running",
    restartable: true,
    abandoned: [s.propolisId, s.destinationId].sort(),
  });
});

// nova-compute was restarted while builds on it still waited for a lock, before the host was written to the instance.
// On start-up it looked for instances of its own host only: these stayed in BUILD for ever.
it("Nova 1833581: a start whose process dies before the commit does not block the next; after it, the start is listed as stuck and ends with its sled", async () => {
  const { db, sql } = database;
  const s = await stopped(sql);
  const other = anotherStart(s);

  const { first, second } = await whileHeld(
    db,
    (held) => beginStart(held, s.start),
    (waiting) => beginStart(waiting, other),
    "death",
  );
  expect(first).toMatchObject({ outcome: "applied", activePropolisId: s.propolisId });
  expect(second).toMatchObject({ outcome: "applied", activePropolisId: other.propolisId });
  expect(await vmm(sql, s.propolisId)).toEqual({});

  // the second process has committed, and dies before it asks the sled for anything
  await elevenMinutesPass(sql, s);
  expect(await situationOf(sql, s)).toEqual({
    ...NOTHING,
    shown: "starting",
    intends: "running",
    active: other.propolisId,
    waitsFor: "start saga",
  });
  expect(await failSled(sql, { sledId: other.sledId, reason: "sled_off" })).toMatchObject([
    { propolisId: other.propolisId, state: "failed", updateNeeded: true },
  ]);
  await update(sql, s);
  expect(await situationOf(sql, s)).toEqual({
    ...NOTHING,
    shown: "failed",
    intends: "running",
    restartable: true,
    abandoned: [other.propolisId],
  });
});

// The API marked a resize as "confirming" before it asked the host; the periodic confirmation takes only finished ones.
// When the request then failed, the log promised another try, and none ever came.
it("Nova 1855927: an update whose lease expires is listed again, and the late commit of its saga is lock_lost", async () => {
  const { sql } = database;
  const s = await saying(sql, "failed");
  const dead = { instanceId: s.instanceId, sagaId: randomUUID() };
  const { updaterGeneration, planToken } = await applied(beginUpdate(sql, { ...dead, lease: "1 hour" }));
  expect(await situationOf(sql, s)).toMatchObject({ shown: "stopping", updatePending: false });

  await expireLease(sql, s);
  expect(await situationOf(sql, s)).toMatchObject({ shown: "stopping", updatePending: true });
  await update(sql, s);
  expect(
    await writingNothing(sql, () => commitUpdate(sql, { ...dead, updaterGeneration, planToken })),
  ).toMatchObject({ outcome: "conflict", reason: "lock_lost" });

  expect(await instance(sql, s)).toMatchObject({ state_generation: 4, updater_id: null });
  expect(await situationOf(sql, s)).toEqual({
    ...NOTHING,
    shown: "failed",
    intends: "running",
    restartable: true,
    abandoned: [s.propolisId],
  });
});

// The resource tracker ran after a move was recorded as confirmed or reverted, and before the claim for it was dropped.
// Of the two hosts, one was then charged for a server that it did not have, and the other not for the one that it had.
it("Nova 1879878: at each step of a hand-over, watched_vmm lists every VMM that is still on a sled", async () => {
  const { sql } = database;
  const s = await migrating(sql);
  const source = { instanceId: s.instanceId, propolisId: s.propolisId };
  const both = [s.propolisId, s.destinationId].sort();

  await say(sql, s, "destination", "running", "completed");
  expect(await situationOf(sql, s)).toMatchObject({ updatePending: true, ending: [], watched: both });
  expect(await deleteVmm(sql, source)).toMatchObject({ outcome: "conflict", reason: "linked" });

  await update(sql, s);
  expect(await situationOf(sql, s)).toMatchObject({
    updatePending: false,
    ending: [s.propolisId],
    watched: both,
  });
  expect(await deleteVmm(sql, source)).toMatchObject({ outcome: "conflict", reason: "not_destroyable" });

  await say(sql, s, "active", "destroyed");
  expect(await situationOf(sql, s)).toMatchObject({ abandoned: [s.propolisId], watched: [s.destinationId] });
  expect(await deleteVmm(sql, source)).toMatchObject({ outcome: "applied" });
  expect(await writingNothing(sql, () => deleteVmm(sql, source))).toMatchObject({ outcome: "unchanged" });

  expect(await situationOf(sql, s)).toEqual({
    ...NOTHING,
    shown: "running",
    intends: "running",
    active: s.destinationId,
    watched: [s.destinationId],
  });
});

// The power sync compared a server that had just been deployed with a power state cached from before its deployment.
// It shut the server down, and the user could not start it again.
it("Nova 1815791: reports from before a start do not stop the started VMM", async () => {
  const { sql } = database;
  const s = await saying(sql, "destroyed");
  await update(sql, s);
  const start = anotherStart(s);
  await applied(beginStart(sql, start));
  expect(await reportVmm(sql, report(s, start.propolisId, "running", 5))).toMatchObject({
    vmmOutcome: "applied",
  });

  const cached = [report(s, s.propolisId, "stopped", 9), report(s, start.propolisId, "stopped", 4)];
  await writingNothing(sql, async () => {
    expect(await reportVmms(sql, cached)).toMatchObject([
      { vmmOutcome: "terminal", updateNeeded: false, state: "destroyed" },
      { vmmOutcome: "stale", updateNeeded: false, state: "running", stateGeneration: 5 },
    ]);
    expect(await failVmm(sql, { ...start, reason: "no_such_vmm", expectedGeneration: 4 })).toMatchObject({
      outcome: "conflict",
      reason: "stale_generation",
      state: "running",
    });
  });

  expect(await situationOf(sql, s)).toEqual({
    ...NOTHING,
    shown: "running",
    intends: "running",
    active: start.propolisId,
    abandoned: [s.propolisId],
    watched: [start.propolisId],
  });
});
