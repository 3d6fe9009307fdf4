import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import { describe, expect, it } from "vitest";
import { deleteInstance, instanceAt, instanceHistory } from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  addressOf,
  clock,
  creating,
  expectInvalid,
  handedOver,
  migrating,
  running,
  say,
  stopped,
  unwound,
  update,
} from "../scenario.js";

const db = withDatabase();

const ABSENT = { time: null, apiState: null, state: null, stateGeneration: null, activePropolisId: null };

describe("applied", () => {
  it("shows the instance and its VMMs as they are now, for any time in the future", async () => {
    const s = await migrating(db.sql);
    const [first] = await instanceHistory(db.sql, s);
    const now = await instanceAt(db.sql, { ...s, time: "infinity" });
    expect(now).toEqual({
      outcome: "applied",
      reason: null,
      time: (await instanceHistory(db.sql, { ...s, after: first?.id })).at(-1)?.time,
      apiState: "migrating",
      state: "vmm",
      stateGeneration: 4,
      intendedState: "running",
      activePropolisId: s.propolisId,
      activeState: "running",
      activeSledId: addressOf(s.start).sledId,
      destinationPropolisId: s.destinationId,
      destinationState: "creating",
      destinationSledId: addressOf(s.migration).sledId,
      migrationId: s.migrationId,
    });
  });

  it("shows it as each change left it, to the microsecond", async () => {
    const s = await handedOver(db.sql);
    const changes = await instanceHistory(db.sql, s);
    expect(changes.length).toBeGreaterThan(4);
    for (const change of changes) {
      expect(change.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
      const {
        state,
        generation: stateGeneration,
        activePropolisId,
        destinationPropolisId,
        intendedState,
      } = change;
      expect(await instanceAt(db.sql, { ...s, time: change.time })).toMatchObject({
        ...{
          outcome: "applied",
          state,
          stateGeneration,
          activePropolisId,
          destinationPropolisId,
          intendedState,
        },
      });
    }
  });

  it("takes the time of a change on the second", async () => {
    const s = await stopped(db.sql);
    await db.sql`
      insert into vmstate.history ("time", id, transaction_id, instance_id, kind, row_id, generation, state, deleted, intended_state, role)
        values ('2035-01-01 01:00:00+01', nextval('vmstate.history_id'), '1', ${s.instanceId}, 'instance', ${s.instanceId}, 2, 'no_vmm', false, 'running', 'nobody')`;
    const time = "2035-01-01T00:00:00.000000Z";
    expect((await instanceHistory(db.sql, s)).at(-1)).toMatchObject({ time, role: "nobody" });
    expect(await instanceAt(db.sql, { ...s, time })).toMatchObject({ time, intendedState: "running" });
  });

  it("shows saga_unwound, of which the API says stopped", async () => {
    const s = await unwound(db.sql);
    expect(await instanceAt(db.sql, { ...s, time: "infinity" })).toMatchObject({
      apiState: "stopped",
      activeState: "saga_unwound",
    });
  });

  it("reads what the rows are where nothing was ever recorded, as after an upgrade", async () => {
    const s = await running(db.sql);
    await forget(db.sql, s.instanceId);
    expect(await instanceAt(db.sql, { ...s, time: "infinity" })).toMatchObject({
      ...{ outcome: "applied", time: null, apiState: "running", stateGeneration: 3, activeState: "running" },
    });
  });

  it("reads what the first change says was before it", async () => {
    const s = await running(db.sql);
    await forget(db.sql, s.instanceId);
    const time = await clock(db.sql);
    await say(db.sql, s, "active", "destroyed");
    await update(db.sql, s);
    expect(await instanceAt(db.sql, { ...s, time })).toMatchObject({
      ...{ outcome: "applied", time: null, apiState: "running", state: "vmm", stateGeneration: null },
      ...{ activePropolisId: s.propolisId, activeState: "running", activeSledId: s.start.sledId },
    });
    await db.sql`update vmstate.instance set intended_state = 'running' where id = ${s.instanceId}`;
    await forget(db.sql, s.instanceId);
    const later = await clock(db.sql);
    await db.sql`update vmstate.instance set intended_state = 'stopped' where id = ${s.instanceId}`;
    expect(await instanceAt(db.sql, { ...s, time: later })).toMatchObject({
      intendedState: "running",
      stateGeneration: 4,
    });
  });
});

/** Takes away what is recorded of an instance, as if it had not changed since the upgrade. */
async function forget(sql: postgres.Sql, instanceId: string): Promise<void> {
  await sql.begin(async (transaction) => {
    await transaction`set local session_replication_role = replica`;
    await transaction`delete from vmstate.history where instance_id = ${instanceId}`;
  });
}

describe("not_found", () => {
  it("for an instance that never was, and for one that was created later", async () => {
    const time = await clock(db.sql);
    const s = await creating(db.sql);
    const nobody = { instanceId: randomUUID(), time: "infinity" };
    expect(await instanceAt(db.sql, nobody)).toMatchObject({ outcome: "not_found", ...ABSENT });
    expect(await instanceAt(db.sql, { ...s, time })).toMatchObject({ outcome: "not_found", ...ABSENT });
    await forget(db.sql, s.instanceId);
    expect(await instanceAt(db.sql, { ...s, time })).toMatchObject({ outcome: "not_found" });
  });
});

describe("gone", () => {
  it("once the instance was deleted, and also after it was purged; before, it is there", async () => {
    const s = await stopped(db.sql);
    const time = await clock(db.sql);
    await deleteInstance(db.sql, s);
    const gone = {
      outcome: "gone",
      reason: null,
      apiState: "destroyed",
      state: "destroyed",
      stateGeneration: 3,
    };
    expect(await instanceAt(db.sql, { ...s, time: "infinity" })).toMatchObject(gone);
    await db.sql.begin(async (sql) => {
      await sql`set local session_replication_role = replica`;
      await sql`delete from vmstate.instance where id = ${s.instanceId}`;
    });
    expect(await instanceAt(db.sql, { ...s, time: "infinity" })).toMatchObject(gone);
    expect(await instanceAt(db.sql, { ...s, time })).toMatchObject({
      outcome: "applied",
      apiState: "stopped",
    });
  });
});

describe("conflict/not_recorded", () => {
  it("before the history begins", async () => {
    const s = await running(db.sql);
    await db.sql`update vmstate.instance set time_created = '2020-01-01' where id = ${s.instanceId}`;
    await forget(db.sql, s.instanceId);
    const conflict = { outcome: "conflict", reason: "not_recorded", ...ABSENT };
    expect(await instanceAt(db.sql, { ...s, time: "2021-01-01" })).toMatchObject(conflict);
  });

  it("in a copy of the schema alone, before its oldest row, and while there is none", async () => {
    const s = await running(db.sql);
    await db.sql`update vmstate.instance set time_created = '2020-01-01' where id = ${s.instanceId}`;
    await db.sql
      .begin(async (sql) => {
        await sql`select setval('vmstate.history_dropped_time', 0)`;
        const [first] = await sql<
          [{ time: string }]
        >`select time::text from vmstate.history order by id limit 1`;
        expect(await sql`select since::text as time from vmstate.history_extent`).toEqual([first]);
        await sql`set local session_replication_role = replica`;
        await sql`delete from vmstate.history`;
        expect(await sql`select since from vmstate.history_extent`).toEqual([{ since: null }]);
        expect(await instanceAt(sql, { ...s, time: "2021-01-01" })).toMatchObject({ reason: "not_recorded" });
        expect(await instanceAt(sql, { ...s, time: "infinity" })).toMatchObject({ outcome: "applied" });
        throw new Error("rolled back");
      })
      .catch((error: unknown) => {
        expect(error).toMatchObject({ message: "rolled back" });
      });
    await db.sql`select setval('vmstate.history_dropped_time', (extract(epoch from now()) * 1000000)::bigint)`;
  });
});

it("VM001: an argument is null", async () => {
  const p_instance_id = randomUUID();
  await expectInvalid(db.sql, "instance_at", { p_instance_id, p_time: null }, "p_time", /null/);
  await expectInvalid(
    db.sql,
    "instance_at",
    { p_instance_id: null, p_time: "2026-01-01T00:00:00Z" },
    "p_instance_id",
    /null/,
  );
});
