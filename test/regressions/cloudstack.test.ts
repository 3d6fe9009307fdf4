import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import { expect, it } from "vitest";
import { apiInstance, beginMigration, runUpdate, unwindMigration } from "../../src/index.js";
import {
  anotherMigration,
  applied,
  migrated,
  migrating,
  say,
  update,
  writingNothing,
  type Scenario,
} from "../sql/scenario.js";
import { regressionDatabase, NOTHING, situationOf, whileHeld } from "./situation.js";

const database = regressionDatabase();

const updating = ({ instanceId }: Scenario) => ({ instanceId, sagaId: randomUUID() });

// After a migration the old host no longer had the VM, and a host that does not report a VM was taken to say it is off.
// Though the new host had spoken milliseconds before, the running guest was recorded as stopped.
it.each(["before the destination's report", "before the update", "after the update"])(
  "CloudStack 3741: a source reported destroyed %s does not stop a guest that runs on the destination",
  async (when) => {
    const { db, sql } = database;
    const s = await migrating(sql);
    const arrive = (host: postgres.Sql) => say(host, s, "destination", "running", "completed");
    const leave = () => say(sql, s, "active", "destroyed");

    if (when === "before the destination's report") {
      expect(await leave()).toMatchObject({ vmmOutcome: "applied", updateNeeded: true });
      const { second } = await whileHeld(db, arrive, (waiting) => runUpdate(waiting, updating(s)));
      expect(second).toMatchObject({ outcome: "applied", activePropolisId: s.destinationId });
    } else if (when === "before the update") {
      await arrive(sql);
      expect(await leave()).toMatchObject({ vmmOutcome: "applied", updateNeeded: true });
      await update(sql, s);
    } else {
      await arrive(sql);
      await update(sql, s);
      expect(await leave()).toMatchObject({ vmmOutcome: "applied", updateNeeded: false });
    }

    expect(await runUpdate(sql, updating(s))).toMatchObject({ outcome: "unchanged" });
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

// The report itself could not be read; this test follows 14026: maintenance, asked for twice, tried to move VMs that had moved.
// That attempt failed, and VMs that had run on elsewhere all the while were marked as stopped.
it("CloudStack 14206 (after 14026): a second migration of a guest that has already moved is refused and changes nothing", async () => {
  const { sql } = database;
  const s = await migrated(sql);
  const retry = anotherMigration(s);

  await writingNothing(sql, async () => {
    expect(await beginMigration(sql, retry)).toMatchObject({
      outcome: "conflict",
      reason: "wrong_source",
      apiState: "running",
      activePropolisId: s.destinationId,
    });
    expect(await unwindMigration(sql, retry)).toMatchObject({ outcome: "not_found" });
    expect(await beginMigration(sql, s.migration)).toMatchObject({
      outcome: "unchanged",
      apiState: "running",
    });
    expect(await unwindMigration(sql, s.migration)).toMatchObject({
      outcome: "conflict",
      reason: "handed_over",
      state: "running",
    });
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

// The report itself could not be read; this test follows 11286, where the target host could not be prepared for a migration.
// The failed preparation made the management server stop the VM, which had never left its host.
it("CloudStack 10961 (after 11286): a migration that unwinds before the guest moves leaves the guest running, and can be repeated", async () => {
  const { sql } = database;
  const s = await migrating(sql);
  expect(await unwindMigration(sql, s.migration)).toMatchObject({
    outcome: "applied",
    state: "saga_unwound",
  });
  expect(await apiInstance(sql, s)).toMatchObject({ state: "running", intendedState: "running" });

  const migration = anotherMigration(s);
  expect(await applied(beginMigration(sql, migration))).toMatchObject({
    activePropolisId: s.propolisId,
    destinationPropolisId: migration.destinationPropolisId,
  });
  const retried = {
    ...s,
    destinationId: migration.destinationPropolisId,
    migrationId: migration.migrationId,
  };
  await say(sql, retried, "destination", "running", "completed");
  await update(sql, s);

  expect(await situationOf(sql, s)).toEqual({
    ...NOTHING,
    shown: "running",
    intends: "running",
    active: retried.destinationId,
    ending: [s.propolisId],
    abandoned: [s.destinationId],
    watched: [s.propolisId, retried.destinationId].sort(),
  });
});

// A step after the migration failed, as the virtual router was migrating too, so the whole migration was cancelled.
// The guest already ran on its new host, and the clean-up of the cancelled migration stopped it there.
it("CloudStack 7285: a migrate saga that fails after the guest has moved cannot unwind the migration", async () => {
  const { sql } = database;
  const s = await migrating(sql);
  await say(sql, s, "destination", "running", "completed");

  expect(await writingNothing(sql, () => unwindMigration(sql, s.migration))).toMatchObject({
    outcome: "conflict",
    reason: "handed_over",
    state: "running",
  });
  expect(await applied(runUpdate(sql, updating(s)))).toMatchObject({
    network: "move",
    networkPropolisId: s.destinationId,
    unlinkedPropolisIds: [s.propolisId],
    terminatePropolisIds: [],
  });
  await say(sql, s, "active", "destroyed");

  expect(await situationOf(sql, s)).toEqual({
    ...NOTHING,
    shown: "running",
    intends: "running",
    active: s.destinationId,
    abandoned: [s.propolisId],
    watched: [s.destinationId],
  });
});
