import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  beginMigration,
  beginStart,
  deleteInstance,
  failSled,
  reportVmm,
  reportVmms,
  unwindMigration,
  unwindStart,
  type ReportVmmArguments,
} from "../../../src/index.js";
import { untilWaiting } from "../../support/waiting.js";
import { anotherMigration, applied, migrating, running, say, stopped, type Scenario } from "../scenario.js";
import { report, updating } from "./calls.js";
import { newSessions, type Act, type Table } from "./sessions.js";

const sessions = newSessions();
const { session } = sessions;

describe("rows are locked in the order of their ids, so no deadlock:", () => {
  /** Holds one row while all acts come to wait, releases it, and returns their answers: a deadlock would reject. */
  async function whileHeld(table: Table, id: string, acts: Act<unknown>[]): Promise<unknown[]> {
    await using holder = await session();
    await holder.sql`begin`;
    await holder.sql`select from ${sessions.sql(`vmstate.${table}`)} where id = ${id} for no key update`;
    const answers: Promise<unknown>[] = [];
    for (const act of acts) {
      const waiter = await session();
      const answer = act(waiter.sql).finally(() => waiter[Symbol.asyncDispose]());
      answers.push(answer);
      // awaited only below
      answer.catch(() => undefined);
      await untilWaiting(sessions.sql, waiter.pid);
    }
    await holder.sql`commit`;
    return await Promise.all(answers);
  }

  it.each(["first", "last"])(
    "two batches over the same VMMs in opposite orders, the %s VMM held",
    async (which) => {
      const all = [await running(sessions.sql), await running(sessions.sql), await running(sessions.sql)];
      const ids = all.map(({ propolisId }) => propolisId).toSorted();
      const batch = (generation: number): ReportVmmArguments[] =>
        all.map((s) => report(s, s.propolisId, "stopping", generation));
      const held = which === "first" ? ids[0] : ids[2];
      const [older, newer] = await whileHeld("vmm", String(held), [
        (sql) => reportVmms(sql, batch(8)),
        (sql) => reportVmms(sql, batch(9).reverse()),
      ]);
      const outcomes = (rows: unknown): unknown[] =>
        (rows as { vmmOutcome: string }[]).map((row) => row.vmmOutcome);
      expect(outcomes(newer)).toEqual(["applied", "applied", "applied"]);
      expect(outcomes(older)).toEqual(["applied", "applied", "applied"]);
    },
  );

  it.each(["first", "last"])(
    "two batches over the same migrations in opposite orders, the %s migration held",
    async (which) => {
      const all = [
        await migrating(sessions.sql),
        await migrating(sessions.sql),
        await migrating(sessions.sql),
      ];
      const ids = all.map(({ migrationId }) => migrationId).toSorted();
      const side = (s: Scenario, way: "in" | "out"): ReportVmmArguments => ({
        ...report(s, way === "in" ? s.destinationId : s.propolisId, "migrating", 9),
        [way === "in" ? "migrationInId" : "migrationOutId"]: s.migrationId,
        [way === "in" ? "migrationInState" : "migrationOutState"]: "in_progress",
        [way === "in" ? "migrationInGeneration" : "migrationOutGeneration"]: 9,
        [way === "in" ? "migrationInTime" : "migrationOutTime"]: new Date(),
      });
      const held = which === "first" ? ids[0] : ids[2];
      const answers = await whileHeld("migration", String(held), [
        (sql) =>
          reportVmms(
            sql,
            all.map((s) => side(s, "in")),
          ),
        (sql) => reportVmms(sql, all.map((s) => side(s, "out")).reverse()),
      ]);
      expect(answers).toMatchObject([
        Array.from({ length: 3 }, () => ({ migrationInOutcome: "applied" })),
        Array.from({ length: 3 }, () => ({ migrationOutOutcome: "applied" })),
      ]);
    },
  );

  it.each(["first", "last"])(
    "fail_sled, two batches, commit_update and unwind_start that all lock the %s VMM",
    async (which) => {
      const sledId = randomUUID();
      const ids = Array.from({ length: 4 }, (_, n) => `${n}${randomUUID().slice(1)}`);
      if (which === "last") ids.reverse();
      const all = await Promise.all([0, 1, 2].map(() => stopped(sessions.sql)));
      for (const [n, s] of all.entries()) {
        s.propolisId = String(ids[n]);
        Object.assign(s.start, { propolisId: s.propolisId, sledId });
        await applied(beginStart(sessions.sql, s.start));
        await say(sessions.sql, s, "active", "running");
      }
      const [s] = all as [Scenario];
      s.destinationId = String(ids[3]);
      Object.assign(s.migration, { sourcePropolisId: s.propolisId, destinationPropolisId: s.destinationId });
      await applied(beginMigration(sessions.sql, s.migration));
      await say(sessions.sql, s, "destination", "running", "failed");
      const commit = await updating(sessions.sql, s);

      const batch = [s, ...all].map((s, n) =>
        report(s, n === 0 ? s.destinationId : s.propolisId, "rebooting", 9),
      );
      const [failedVmms] = await whileHeld("vmm", s.propolisId, [
        (sql) => failSled(sql, { sledId, reason: "sled_off" }),
        (sql) => reportVmms(sql, batch),
        (sql) => reportVmms(sql, batch.toReversed()),
        commit,
        (sql) => unwindStart(sql, s.start),
      ]);
      expect(failedVmms).toHaveLength(3);
    },
  );

  it("delete_instance over several migrations, and a report that names the same two", async () => {
    const s = await migrating(sessions.sql);
    await applied(unwindMigration(sessions.sql, s.migration));
    // the linked migration is the last by id
    const second = { ...anotherMigration(s), migrationId: "ffffffff-ffff-4fff-bfff-ffffffffffff" };
    await applied(beginMigration(sessions.sql, second));
    await applied(unwindStart(sessions.sql, s.start));
    const answers = await whileHeld("migration", s.migrationId, [
      (sql) =>
        reportVmm(sql, {
          ...report(s, s.destinationId, "running", 9),
          migrationInId: s.migrationId,
          migrationInState: "completed",
          migrationInGeneration: 9,
          migrationInTime: new Date(),
          migrationOutId: second.migrationId,
          migrationOutState: "completed",
          migrationOutGeneration: 9,
          migrationOutTime: new Date(),
        }),
      (sql) => deleteInstance(sql, s),
    ]);
    expect(answers).toMatchObject([{ migrationOutOutcome: "wrong_side" }, { outcome: "applied" }]);
  });
});
