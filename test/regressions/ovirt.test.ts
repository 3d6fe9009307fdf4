import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import {
  beginMigration,
  beginStart,
  deleteVmm,
  failSled,
  reportVmms,
  unwindMigration,
} from "../../src/index.js";
import {
  anotherMigration,
  anotherStart,
  applied,
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
import { connection, dyingAfter, regressionDatabase, NOTHING, report, situationOf } from "./situation.js";

const database = regressionDatabase();

// Neither this report nor a trace of it could be read, so nothing is said of it here.
// This test: rows that change together do so even when the process that changes them dies on the way.
it("oVirt 1072282: unwind_migration whose process dies is rolled back as a whole, and can be repeated", async () => {
  const { db, sql } = database;
  const s = await migrating(sql);
  await say(sql, s, "destination", "migrating", "in_progress");

  await writingNothing(sql, async () => {
    expect(await dyingAfter(db, (dying) => unwindMigration(dying, s.migration))).toMatchObject({
      outcome: "applied",
      state: "saga_unwound",
    });
  });
  expect(await situationOf(sql, s)).toEqual({
    ...NOTHING,
    shown: "migrating",
    intends: "running",
    active: s.propolisId,
    destination: s.destinationId,
    watched: [s.propolisId, s.destinationId].sort(),
  });

  await applied(unwindMigration(sql, s.migration));
  expect(await migration(sql, s.migrationId)).toMatchObject({
    source_state: "failed",
    destination_state: "failed",
  });
  expect(await say(sql, s, "destination", "running", "completed")).toMatchObject({
    vmmOutcome: "terminal",
    migrationInOutcome: "terminal",
    updateNeeded: false,
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

// Neither this report nor a trace of it could be read, so nothing is said of it here.
// This test: a host that is declared dead while a guest is being started on it takes that guest along.
it("oVirt 1026811: a start committed while fail_sled runs is failed by the next fail_sled, and stays failed", async () => {
  const { db, sql } = database;
  const sledId = randomUUID();
  const [guest, late] = [await stopped(sql), await stopped(sql)];
  await applied(beginStart(sql, { ...guest.start, sledId }));
  await say(sql, guest, "active", "running");
  const saga = await connection(db);
  await saga.sql`begin`;
  await applied(beginStart(saga.sql, { ...late.start, sledId }));

  const dead = { sledId, reason: "sled_off" } as const;
  expect(await failSled(sql, dead)).toMatchObject([{ propolisId: guest.propolisId, updateNeeded: true }]);
  await saga.sql`commit`;
  expect(await failSled(sql, dead)).toMatchObject([{ propolisId: late.propolisId, updateNeeded: true }]);
  expect(await writingNothing(sql, () => failSled(sql, dead))).toEqual([]);
  await update(sql, guest);
  await update(sql, late);

  // the host comes back
  const back = [guest, late].map((s) => report(s, s.propolisId, "running", 99));
  expect(await writingNothing(sql, () => reportVmms(sql, back))).toMatchObject([
    { vmmOutcome: "terminal", updateNeeded: false, state: "failed" },
    { vmmOutcome: "terminal", updateNeeded: false, state: "failed" },
  ]);
  for (const s of [guest, late]) {
    expect(await situationOf(sql, s)).toEqual({
      ...NOTHING,
      shown: "failed",
      intends: "running",
      restartable: true,
      abandoned: [s.propolisId],
    });
  }
});

// Known here by its title only: a disk could not be plugged in, because the domain already had one at that address.
// This test: two sides disagree on whether an id is free, which must be refused as a whole, and the next one served.
it("oVirt 1927243: an id that another or a deleted VMM or migration has is refused and nothing is written; a new id is accepted", async () => {
  const { sql } = database;
  const s = await saying(sql, "destroyed");
  await update(sql, s);
  await applied(deleteVmm(sql, s));
  const other = await running(sql);
  const third = await migrating(sql);

  await writingNothing(sql, async () => {
    for (const propolisId of [s.propolisId, other.propolisId]) {
      expect(await beginStart(sql, { ...anotherStart(s), propolisId })).toMatchObject({
        outcome: "conflict",
        reason: "propolis_id_taken",
        apiState: "stopped",
      });
    }
    expect(
      await beginMigration(sql, { ...other.migration, destinationPropolisId: s.propolisId }),
    ).toMatchObject({
      outcome: "conflict",
      reason: "propolis_id_taken",
      apiState: "running",
    });
    expect(await beginMigration(sql, { ...other.migration, migrationId: third.migrationId })).toMatchObject({
      outcome: "conflict",
      reason: "migration_id_taken",
      apiState: "running",
    });
  });
  expect(await vmm(sql, other.destinationId)).toEqual({});

  const [start, move] = [anotherStart(s), anotherMigration(other)];
  await applied(beginStart(sql, start));
  await applied(beginMigration(sql, move));
  expect(await situationOf(sql, s)).toEqual({
    ...NOTHING,
    shown: "starting",
    intends: "running",
    active: start.propolisId,
  });
  expect(await situationOf(sql, other)).toEqual({
    ...NOTHING,
    shown: "migrating",
    intends: "running",
    active: other.propolisId,
    destination: move.destinationPropolisId,
    watched: [other.propolisId],
  });
});
