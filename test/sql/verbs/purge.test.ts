import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  beginMigration,
  beginStart,
  createInstance,
  deleteInstance,
  deleteVmm,
  failVmm,
  invariantViolations,
  purge,
  reportVmm,
  reportVmms,
  requestStop,
  runUpdate,
  unwindStart,
  watchedVmms,
  type PurgeResult,
} from "../../../src/index.js";
import { createDatabase, type TestDatabase } from "../../support/database.js";
import {
  anotherMigration,
  anotherStart,
  applied,
  deleted,
  expectInvalid,
  failed,
  instance,
  migrated,
  migrating,
  migration,
  running,
  say,
  saying,
  starting,
  unwound,
  update,
  vmm,
  writingNothing,
  type Scenario,
} from "../scenario.js";

// Each test has a database of its own: purge concerns all rows.
let db: TestDatabase;
let sql: postgres.Sql;
beforeEach(async () => {
  db = await createDatabase();
  ({ sql } = db);
});
afterEach(async () => {
  expect(await invariantViolations(sql)).toEqual([]);
  await db.drop();
});

const NOTHING: PurgeResult = { migrations: 0, vmms: 0, instances: 0, leftOver: false };
const TWO_HOURS = 2 * 60 * 60 * 1000;
const twoHoursAgo = (): Date => new Date(Date.now() - TWO_HOURS);

/** All that is soft-deleted by now was so three hours ago; the guards know of no other time of deletion. */
async function threeHoursPass(): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`set local session_replication_role = replica`;
    for (const table of ["instance", "vmm", "migration"])
      await tx`update vmstate.${tx(table)} set time_deleted = time_deleted - interval '3 hours'
        where time_deleted is not null`;
  });
}

const purging = (limit?: number): Promise<PurgeResult> => purge(sql, { before: twoHoursAgo(), limit });

/** A life with a migration, all of it soft-deleted: one instance, two VMMs, one migration. */
async function wholeLife(): Promise<Scenario> {
  const s = await migrated(sql);
  await say(sql, s, "active", "destroyed");
  await applied(deleteVmm(sql, s));
  await say(sql, s, "destination", "destroyed");
  await update(sql, s);
  await applied(deleteVmm(sql, { ...s, propolisId: s.destinationId }));
  await applied(deleteInstance(sql, s));
  return s;
}

describe("deletes what was soft-deleted before p_before:", () => {
  test("an instance with its migration and VMMs", async () => {
    const s = await wholeLife();
    const other = await running(sql);
    await threeHoursPass();
    const untouched = await instance(sql, other);
    expect(await purging()).toEqual({ migrations: 1, vmms: 2, instances: 1, leftOver: false });
    expect(await migration(sql, s.migrationId)).toEqual({});
    expect(await vmm(sql, s.propolisId)).toEqual({});
    expect(await vmm(sql, s.destinationId)).toEqual({});
    expect(await instance(sql, s)).toEqual({});
    expect(await instance(sql, other)).toEqual(untouched);
    expect(await writingNothing(sql, () => purging())).toEqual(NOTHING);
  });

  test("an instance that never had a VMM", async () => {
    await deleted(sql);
    await threeHoursPass();
    expect(await purging()).toEqual({ ...NOTHING, instances: 1 });
  });

  test("VMMs and migrations of an instance that is not deleted, whose state stays", async () => {
    const s = await migrated(sql);
    await say(sql, s, "active", "destroyed");
    await applied(deleteVmm(sql, s));
    const back = { ...anotherMigration(s), sourcePropolisId: s.destinationId };
    await applied(beginMigration(sql, back));
    await applied(failVmm(sql, { ...s, propolisId: back.destinationPropolisId, reason: "operator" }));
    await update(sql, s);
    await applied(deleteVmm(sql, { ...s, propolisId: back.destinationPropolisId }));
    await threeHoursPass();
    const before = await instance(sql, s);
    // Both migrations name the VMM that lives. It keeps by itself which of them it was made for.
    expect(await purging()).toEqual({ migrations: 2, vmms: 2, instances: 0, leftOver: false });
    expect(await instance(sql, s)).toEqual(before);
    expect(await vmm(sql, s.destinationId)).toMatchObject({ migration_id: s.migrationId });
    await say(sql, s, "destination", "destroyed");
    await update(sql, s);
    // Its guest had run: it came by a migration, although no report said so.
    expect(await instance(sql, s)).toMatchObject({ state: "no_vmm", intended_state: "guest_shutdown" });
    await applied(deleteVmm(sql, { ...s, propolisId: s.destinationId }));
    await threeHoursPass();
    expect(await purging()).toEqual({ ...NOTHING, vmms: 1 });
  });

  test("a migration that the update saga deleted when it unlinked it, after delete_vmm of its source", async () => {
    const s = await migrating(sql);
    await say(sql, s, "active", "destroyed", "completed");
    await update(sql, s); // handed over: the destination is active, and the migration is linked until it ends
    await applied(deleteVmm(sql, s));
    expect(await migration(sql, s.migrationId)).toMatchObject({ time_deleted: null });
    await say(sql, s, "destination", "running", "completed");
    await update(sql, s);
    expect(await migration(sql, s.migrationId)).not.toMatchObject({ time_deleted: null });
    await threeHoursPass();
    expect(await purging()).toEqual({ migrations: 1, vmms: 1, instances: 0, leftOver: false });
  });
});

describe("a destination VMM whose migration was purged is still one:", () => {
  async function arrived(): Promise<Scenario> {
    const s = await migrated(sql);
    await say(sql, s, "active", "destroyed");
    await applied(deleteVmm(sql, s));
    await threeHoursPass();
    expect(await purging()).toEqual({ ...NOTHING, migrations: 1, vmms: 1 });
    return s;
  }

  test("unwind_start by the saga that created it is conflict/migration_destination", async () => {
    const { instanceId, destinationId: propolisId, migration: begin } = await arrived();
    const unwinding = unwindStart(sql, { instanceId, propolisId, sagaId: begin.sagaId });
    expect(await unwinding).toMatchObject({ outcome: "conflict", reason: "migration_destination" });
  });

  test("a replay of begin_migration is gone", async () => {
    const s = await arrived();
    expect(await beginMigration(sql, s.migration)).toMatchObject({ outcome: "gone" });
  });

  test("a begin_start with its ids is conflict/already_started", async () => {
    const s = await arrived();
    const start = { ...s.start, sagaId: s.migration.sagaId, propolisId: s.destinationId };
    expect(await beginStart(sql, start)).toMatchObject({ outcome: "conflict", reason: "already_started" });
  });

  test("a trigger refuses an UPDATE to saga_unwound", async () => {
    const s = await arrived();
    const unwinding = sql`update vmstate.vmm set state = 'saga_unwound', state_generation = state_generation + 1
      where id = ${s.destinationId}`;
    await expect(unwinding).rejects.toMatchObject({ code: "VM102" });
  });
});

describe("keeps what is still needed, or not old enough:", () => {
  const stays: [string, () => Promise<unknown>][] = [
    ["rows that are not deleted", () => running(sql)],
    ["dead VMMs that are not deleted", () => failed(sql)],
    [
      "the migration of a source that is still alive and unlinked",
      async () => {
        const s = await migrated(sql);
        await say(sql, s, "destination", "destroyed");
        await update(sql, s);
        await applied(deleteVmm(sql, { ...s, propolisId: s.destinationId }));
      },
    ],
    [
      "a deleted instance, its migration and both VMMs, while its destination is still alive",
      async () => {
        const s = await migrating(sql);
        await say(sql, s, "destination", "migrating", "in_progress");
        await applied(unwindStart(sql, s.start));
        await applied(deleteInstance(sql, s));
        await applied(deleteVmm(sql, s));
        expect((await watchedVmms(sql)).map(({ propolisId }) => propolisId)).toEqual([s.destinationId]);
      },
    ],
    [
      "a deleted instance whose VMM waits in abandoned_vmm",
      async () => applied(deleteInstance(sql, await unwound(sql))),
    ],
  ];
  test.each(stays)("%s", async (_, arrange) => {
    await arrange();
    await threeHoursPass();
    expect(await writingNothing(sql, () => purging())).toEqual(NOTHING);
  });

  test("rows that were deleted after p_before", async () => {
    await wholeLife();
    expect(await writingNothing(sql, () => purging())).toEqual(NOTHING);
    await threeHoursPass();
    const before = new Date(Date.now() - 2 * TWO_HOURS);
    expect(await writingNothing(sql, () => purge(sql, { before }))).toEqual(NOTHING);
    expect(await purging()).toMatchObject({ instances: 1 });
  });

  test("the information that a migrated guest ran, so its shutdown becomes guest_shutdown", async () => {
    const s = await migrating(sql);
    await say(sql, s, "destination", "migrating", "completed");
    await update(sql, s);
    await say(sql, s, "active", "destroyed");
    await applied(deleteVmm(sql, s));
    await threeHoursPass();
    await purging();
    await say(sql, s, "destination", "destroyed");
    await update(sql, s);
    expect(await instance(sql, s)).toMatchObject({ intended_state: "guest_shutdown" });
  });
});

describe("p_limit counts migrations, VMMs and instances together", () => {
  test("1: deletes the migration, each VMM, then the instance; left_over until the last row", async () => {
    await wholeLife();
    await threeHoursPass();
    const rounds = [];
    for (let i = 0; i < 5; i++) rounds.push(await purging(1));
    expect(rounds.map((r) => [r.migrations, r.vmms, r.instances])).toEqual([
      [1, 0, 0],
      [0, 1, 0],
      [0, 1, 0],
      [0, 0, 1],
      [0, 0, 0],
    ]);
    expect(rounds.map((r) => r.leftOver)).toEqual([true, true, true, false, false]);
  });

  test.each([1, 2, 3, 4, 7, 16, 17, 100])(
    "%i: deletes everything when called again while left_over",
    async (limit) => {
      for (let i = 0; i < 4; i++) await wholeLife();
      await threeHoursPass();
      const total = { migrations: 0, vmms: 0, instances: 0 };
      for (let leftOver = true; leftOver;) {
        const answer = await purging(limit);
        const count = answer.migrations + answer.vmms + answer.instances;
        expect(count).toBeLessThanOrEqual(limit);
        if (answer.leftOver) expect(count).toBe(limit);
        total.migrations += answer.migrations;
        total.vmms += answer.vmms;
        total.instances += answer.instances;
        ({ leftOver } = answer);
      }
      expect(total).toEqual({ migrations: 4, vmms: 8, instances: 4 });
      expect(await sql`select from vmstate.instance`).toHaveLength(0);
    },
  );

  test("1: deletes the oldest row first", async () => {
    const first = await deleted(sql);
    await threeHoursPass();
    const second = await deleted(sql);
    await threeHoursPass();
    expect(await purging(1)).toEqual({ ...NOTHING, instances: 1, leftOver: true });
    expect(await instance(sql, first)).toEqual({});
    expect(await instance(sql, second)).not.toEqual({});
  });

  test("has the default 1000", async () => {
    const [row] = await sql`
      select pg_get_function_arguments('vmstate.purge'::regproc) as arguments`;
    expect(row?.["arguments"]).toContain("p_limit integer DEFAULT 1000");
  });
});

describe("after a purge", () => {
  test("a late report is not_found, in report_vmm and report_vmms", async () => {
    const s = await wholeLife();
    const { instanceId, propolisId } = s;
    const report = { instanceId, propolisId, state: "running", generation: 99, time: new Date() } as const;
    expect(await reportVmm(sql, report)).toMatchObject({ vmmOutcome: "gone" });
    await threeHoursPass();
    await purging();
    expect(await writingNothing(sql, () => reportVmm(sql, report))).toMatchObject({
      vmmOutcome: "not_found",
    });
    expect(await reportVmms(sql, [report])).toMatchObject([{ vmmOutcome: "not_found" }]);
  });

  test("a late replay of create_instance is applied anew, and one of begin_start if the instance exists", async () => {
    const s = await wholeLife();
    const other = await failed(sql);
    await applied(deleteVmm(sql, other));
    expect(await createInstance(sql, s.create)).toMatchObject({ outcome: "gone" });
    expect(await beginStart(sql, other.start)).toMatchObject({ outcome: "gone" });
    await threeHoursPass();
    await purging();
    expect(await createInstance(sql, s.create)).toMatchObject({ outcome: "applied", apiState: "creating" });
    expect(await beginStart(sql, other.start)).toMatchObject({ outcome: "applied", apiState: "starting" });
  });

  test("verbs on the instance are not_found", async () => {
    const s = await wholeLife();
    await threeHoursPass();
    await purging();
    expect(await requestStop(sql, s)).toMatchObject({ outcome: "not_found" });
    expect(await runUpdate(sql, { instanceId: s.instanceId, sagaId: randomUUID() })).toMatchObject({
      outcome: "not_found",
    });
    expect(await beginStart(sql, anotherStart(s))).toMatchObject({ outcome: "not_found" });
  });
});

describe("VM001", () => {
  const HOURS_AGO = (hours: number): string => new Date(Date.now() - hours * 3_600_000).toISOString();
  test.each([
    ["p_before", null, /null/],
    ["p_limit", null, /null/],
    ["p_before", HOURS_AGO(0.9), /1 hour ago/],
    ["p_before", HOURS_AGO(-1), /1 hour ago/],
    ["p_limit", 0, /p_limit must be from 1 to 100000, not 0/],
    ["p_limit", -1, /-1/],
    ["p_limit", 100_001, /100001/],
  ])("for %s %s", async (argument, value, detail) => {
    await wholeLife();
    await threeHoursPass();
    const valid = { p_before: HOURS_AGO(2), p_limit: 10 };
    await expectInvalid(sql, "purge", { ...valid, [argument]: value }, argument, detail);
  });

  test("for p_before infinity", async () => {
    await expect(sql`select vmstate.purge('infinity')`).rejects.toMatchObject({ code: "VM001" });
  });

  test("not for a p_before of 61 minutes ago, nor for -infinity", async () => {
    await starting(sql);
    await saying(sql, "failed");
    expect(await purge(sql, { before: HOURS_AGO(61 / 60) })).toEqual(NOTHING);
    const nothing = { migrations: 0, vmms: 0, instances: 0, left_over: false };
    expect(await sql`select * from vmstate.purge('-infinity', 100000)`).toEqual([nothing]);
  });
});
