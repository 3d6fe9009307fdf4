import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import {
  beginMigration,
  beginStart,
  configureInstance,
  deleteVmm,
  failVmm,
  reportVmm,
  reportVmms,
  restartableInstances,
  runUpdate,
  unwindMigration,
} from "../../src/index.js";
import {
  anotherMigration,
  anotherStart,
  applied,
  failed,
  instance,
  migrated,
  migrating,
  migration,
  running,
  say,
  starting,
  update,
  writingNothing,
} from "../sql/scenario.js";
import { regressionDatabase, NOTHING, report, situationOf } from "./situation.js";

const database = regressionDatabase();

// The guest ran on its target; the source pod crashed before it could say that the migration had succeeded.
// So the instance was marked as failed, and the healthy guest on the target was deleted for it.
it.each(["before", "after"])(
  "KubeVirt 13112: a source that crashes %s the destination reports completed does not end the guest on the destination",
  async (order) => {
    const { sql } = database;
    const s = await migrating(sql);
    await say(sql, s, "destination", "migrating", "in_progress");
    if (order === "after") await say(sql, s, "destination", "running", "completed");
    await applied(failVmm(sql, { ...s, reason: "no_such_vmm" }));
    if (order === "before") {
      expect(await runUpdate(sql, { ...s, sagaId: randomUUID() })).toMatchObject({ outcome: "unchanged" });
      await say(sql, s, "destination", "running", "completed");
    }

    expect(await beginStart(sql, anotherStart(s))).toMatchObject({
      outcome: "conflict",
      reason: "not_stopped",
    });
    expect(await applied(runUpdate(sql, { ...s, sagaId: randomUUID() }))).toMatchObject({
      newState: "vmm",
      newActivePropolisId: s.destinationId,
      network: "move",
      terminatePropolisIds: [],
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

// The report itself could not be read; this test follows 18765, where a restarted node agent came up with an empty cache.
// It took what it did not know for gone, failed a guest that had just been moved to it, and removed it.
it("KubeVirt 16622 (after 18765): reports from a restarted agent, at generations below the row's, are stale and do not end the guest", async () => {
  const { sql } = database;
  const s = await migrated(sql);
  const neighbour = await running(sql);
  const before = await situationOf(sql, s);

  // all that the restarted agent knows is the neighbour, and what it guesses about ours
  expect(
    await reportVmms(sql, [
      report(neighbour, neighbour.propolisId, "running", 9),
      report(s, s.destinationId, "failed", 1),
      report(s, s.destinationId, "destroyed", 2),
    ]),
  ).toMatchObject([
    { vmmOutcome: "applied" },
    { vmmOutcome: "stale", updateNeeded: false, state: "running" },
    { vmmOutcome: "stale", updateNeeded: false, state: "running" },
  ]);
  expect(
    await failVmm(sql, {
      instanceId: s.instanceId,
      propolisId: s.destinationId,
      reason: "no_such_vmm",
      expectedGeneration: 1,
    }),
  ).toMatchObject({ outcome: "conflict", reason: "stale_generation", stateGeneration: 2 });
  expect(await situationOf(sql, s)).toEqual(before);
  expect(await reportVmm(sql, report(s, s.destinationId, "running", 3))).toMatchObject({
    vmmOutcome: "applied",
  });

  expect(await situationOf(sql, s)).toEqual({
    ...NOTHING,
    shown: "running",
    intends: "running",
    active: s.destinationId,
    ending: [s.propolisId],
    watched: [s.propolisId, s.destinationId].sort(),
  });
});

// The target pod crashed during its preparations, and the instance's record of the migration was never ended.
// Every further migration was refused, because one was still in flight, though its object did not even exist any more.
it("KubeVirt 2495: a destination that fails before the guest moves ends the migration, and the next migration can begin", async () => {
  const { sql } = database;
  const s = await migrating(sql);
  expect(await say(sql, s, "destination", "failed")).toMatchObject({
    vmmOutcome: "applied",
    updateNeeded: true,
  });
  const next = anotherMigration(s);
  expect(await beginMigration(sql, next)).toMatchObject({
    outcome: "conflict",
    reason: "migration_in_progress",
  });
  expect(await situationOf(sql, s)).toMatchObject({ shown: "migrating", updatePending: true });

  await update(sql, s);
  expect(await situationOf(sql, s)).toEqual({
    ...NOTHING,
    shown: "running",
    intends: "running",
    active: s.propolisId,
    abandoned: [s.destinationId],
    watched: [s.propolisId],
  });
  expect(await applied(beginMigration(sql, next))).toMatchObject({ migrationId: next.migrationId });

  expect(await situationOf(sql, s)).toEqual({
    ...NOTHING,
    shown: "migrating",
    intends: "running",
    active: s.propolisId,
    destination: next.destinationPropolisId,
    abandoned: [s.destinationId],
    watched: [s.propolisId],
  });
});

// The report itself could not be read; this test follows 18087, where one target that failed set off retries without end.
// Each new target failed too; thousands of launcher pods were seen for a single guest, until it was stopped.
it("KubeVirt 17203 (after 18087): four unwound migrations leave one link to clear, and no running VMM", async () => {
  const { sql } = database;
  const s = await running(sql);
  const attempts = [1, 2, 3, 4].map(() => anotherMigration(s));
  for (const attempt of attempts) {
    await applied(beginMigration(sql, attempt));
    expect(await beginMigration(sql, anotherMigration(s))).toMatchObject({ reason: "migration_in_progress" });
    await applied(unwindMigration(sql, attempt));
    // its unwinding is repeated, and then the whole attempt by a saga that has lost its memory
    expect(await unwindMigration(sql, attempt)).toMatchObject({ outcome: "unchanged" });
    expect(await beginMigration(sql, attempt)).toMatchObject({
      outcome: "conflict",
      reason: "propolis_id_taken",
    });
  }
  const targets = attempts.map(({ destinationPropolisId }) => destinationPropolisId);
  expect(await situationOf(sql, s)).toEqual({
    ...NOTHING,
    shown: "running",
    intends: "running",
    active: s.propolisId,
    destination: targets.at(-1) ?? null,
    updatePending: true,
    abandoned: targets.slice(0, -1).sort(),
    watched: [s.propolisId],
  });

  await update(sql, s);
  for (const propolisId of targets) await applied(deleteVmm(sql, { instanceId: s.instanceId, propolisId }));
  for (const { migrationId } of attempts)
    expect(await migration(sql, migrationId)).toMatchObject({ time_deleted: expect.any(String) as string });
  await writingNothing(sql, async () => {
    expect(await runUpdate(sql, { ...s, sagaId: randomUUID() })).toMatchObject({ outcome: "unchanged" });
  });
  expect(await situationOf(sql, s)).toEqual({
    ...NOTHING,
    shown: "running",
    intends: "running",
    active: s.propolisId,
    watched: [s.propolisId],
  });
});

// A guest that cannot boot was launched again the moment it had failed, for ever.
it("KubeVirt 5905: automatic restarts of a guest that fails at once are counted and delayed, and a user's start resets the count", async () => {
  const { sql } = database;
  const s = await failed(sql);
  await configureInstance(sql, { instanceId: s.instanceId, autoRestartCooldown: "0" });
  const restarts: string[] = [];
  for (let round = 0; round < 50; round++) {
    const start = { ...anotherStart(s), startReason: "auto_restart" as const };
    if ((await beginStart(sql, start)).outcome !== "applied") continue;
    restarts.push(start.propolisId);
    await reportVmm(sql, report(s, start.propolisId, "failed", 3));
    await update(sql, s);
  }
  expect(restarts).toHaveLength(2);
  expect(await instance(sql, s)).toMatchObject({ auto_restart_attempts: 2 });
  expect(await situationOf(sql, s)).toMatchObject({ shown: "failed", restartable: false });

  await sql`update vmstate.instance set time_last_auto_restarted = clock_timestamp() - interval '2 seconds'
    where id = ${s.instanceId}`;
  const listed = (await restartableInstances(sql)).find(({ instanceId }) => instanceId === s.instanceId);
  expect(listed).toMatchObject({ autoRestartAttempts: 2, apiState: "failed" });

  await applied(beginStart(sql, anotherStart(s)));
  expect(await instance(sql, s)).toMatchObject({ auto_restart_attempts: 0 });
});

// A guest that shuts itself down has to stay off; one whose VMM failed does not.
it.each([
  ["its VMM reported destroyed after a migration, never running", "completed"],
  ["its VMM reported rebooting, then destroyed", "rebooting"],
])("KubeVirt 1406: a guest that shuts itself down is not restarted: %s", async (_, way) => {
  const { sql } = database;
  const s = way === "completed" ? await migrating(sql) : await starting(sql);
  if (way === "completed") {
    await say(sql, s, "active", "destroyed", "completed");
    await say(sql, s, "destination", "destroyed", "completed");
  } else {
    await say(sql, s, "active", "rebooting");
    await say(sql, s, "active", "destroyed");
  }
  await update(sql, s);
  expect(await situationOf(sql, s)).toMatchObject({
    shown: "stopped",
    intends: "guest_shutdown",
    restartable: false,
  });
});
