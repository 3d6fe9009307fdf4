import type postgres from "postgres";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { instanceAt, maintainHistory } from "../../../src/index.js";
import { createDatabase, type TestDatabase } from "../../support/database.js";
import { untilWaiting } from "../../support/waiting.js";
import { errorOf } from "../access/actors.js";
import { addChanges, defaultRows, partitions } from "../history/partitions.js";
import { call, expectInvalid, running } from "../scenario.js";

let db: TestDatabase;
let sql: postgres.Sql;
beforeEach(async () => {
  db = await createDatabase();
  sql = db.sql;
  // A call waits 100 ms for a lock, and leaves the default to the next call while autovacuum is at it.
  await sql`alter table vmstate.history_default set (autovacuum_enabled = false)`;
});
afterEach(() => db.drop());

const NOTHING = { created: 0, dropped: 0, deleted: 0 };

interface Extent {
  since: string;
  dropped: string;
}

async function extent(): Promise<Extent> {
  const [row] = await sql<[Extent]>`
    select since::text as since, last_dropped_id::text as dropped from vmstate.history_extent`;
  return row;
}

describe("applied", () => {
  it("makes partitions until two widths ahead are covered, each like its parent, and then nothing more", async () => {
    expect(await maintainHistory(sql, {})).toEqual({
      ...NOTHING,
      outcome: "applied",
      reason: null,
      created: 1,
    });
    const made = await partitions(sql);
    expect(made).toHaveLength(3);
    const [{ ahead }] = await sql<[{ ahead: boolean }]>`
      select max(upper) >= now() + interval '14 days' as ahead from vmstate.history_partitions()`;
    expect(ahead).toBe(true);
    expect(await maintainHistory(sql, {})).toEqual({ ...NOTHING, outcome: "unchanged", reason: null });
  });

  it("goes on in another width where the widths before end", async () => {
    expect(await maintainHistory(sql, { keep: "34 hours", width: "2 hours" })).toMatchObject({
      outcome: "unchanged",
    });
    expect(await maintainHistory(sql, { keep: "340 days", width: "20 days" })).toMatchObject({ created: 2 });
    const [{ gaps }] = await sql<[{ gaps: number }]>`
      select count(*)::int as gaps from (
        select lower - lag(upper) over (order by lower) as gap from vmstate.history_partitions()) as g
        where gap <> interval '0'`;
    expect(gaps).toBe(0);
  });

  it("drops partitions that are wholly older than keep, and tells what was in them", async () => {
    const s = await running(sql);
    await addChanges(sql, { days: 40, partition: true, rows: 3 });
    await addChanges(sql, { days: 20, partition: true, rows: 2 });
    const before = await extent();
    expect(before.dropped).toBe("0");
    const [{ oldest, xid }] = await sql<[{ oldest: string; xid: string }]>`
      select max(id)::text as oldest, (array_agg(transaction_id::text order by transaction_id desc))[1] as xid
        from vmstate.history where time < now() - interval '30 days'`;
    expect(await maintainHistory(sql, { keep: "30 days" })).toMatchObject({ outcome: "applied", dropped: 1 });
    expect((await extent()).dropped).toBe(oldest);
    expect(await sql`select last_value::text as xid from vmstate.history_dropped_transaction`).toEqual([
      { xid },
    ]);
    expect(await sql`select from vmstate.history where time < now() - interval '30 days'`).toEqual([]);
    expect(await sql`select from vmstate.history where time < now() - interval '10 days'`).toHaveLength(2);
    expect(await instanceAt(sql, { ...s, time: new Date() })).toMatchObject({ outcome: "applied" });
  });

  it("drops an empty partition, of which there is nothing to tell", async () => {
    await addChanges(sql, { days: 40, partition: true, rows: 0 });
    const before = await extent();
    expect(await maintainHistory(sql, { keep: "30 days" })).toMatchObject({ dropped: 1 });
    expect(await extent()).toEqual(before);
  });

  it("deletes old rows of the default, the oldest first, 10,000 in a call", async () => {
    await addChanges(sql, { days: 50, partition: false, rows: 10_001 });
    await addChanges(sql, { days: 20, partition: false, rows: 2 });
    expect(await maintainHistory(sql, { keep: "30 days" })).toMatchObject({
      outcome: "applied",
      deleted: 10_000,
    });
    expect(await maintainHistory(sql, { keep: "30 days" })).toMatchObject({ outcome: "applied", deleted: 1 });
    expect(await maintainHistory(sql, { keep: "30 days" })).toMatchObject({ outcome: "unchanged" });
    expect(await defaultRows(sql)).toBe(2);
    expect(Number((await extent()).dropped)).toBeGreaterThanOrEqual(10_001);
  });

  it("tells what it drops outside of its transaction: who sees the old rows no more knows why", async () => {
    await addChanges(sql, { days: 40, partition: true, rows: 3 });
    const fail = new Error("rolled back");
    const done = sql.begin(async (transaction) => {
      expect(await maintainHistory(transaction, { keep: "30 days" })).toMatchObject({ dropped: 1 });
      throw fail;
    });
    await expect(done).rejects.toBe(fail);
    expect(await sql`select from vmstate.history where time < now() - interval '30 days'`).toHaveLength(3);
    expect((await extent()).dropped).not.toBe("0");
  });
});

describe("a range of time of which the default has a row", () => {
  it("gets no partition, and the next one does: a clock was ahead", async () => {
    const [{ upper }] = await sql<
      [{ upper: string }]
    >`select max(upper)::text as upper from vmstate.history_partitions()`;
    await addChanges(sql, { at: upper, partition: false, rows: 1 });
    expect(await maintainHistory(sql, { width: "20 days" })).toMatchObject({
      outcome: "applied",
      created: 1,
    });
    expect(await defaultRows(sql)).toBe(1);
    expect(await maintainHistory(sql, { width: "20 days" })).toMatchObject({ outcome: "unchanged" });
  });

  it("is not made up for: after a pause the partitions begin with the present width", async () => {
    for (const name of await partitions(sql)) await sql.unsafe(`drop table ${name}`);
    await addChanges(sql, { days: 40, partition: true, rows: 0 });
    expect(await maintainHistory(sql, {})).toMatchObject({ outcome: "applied", created: 3 });
    const [{ gap }] = await sql<[{ gap: boolean }]>`
      select min(lower) filter (where upper > now()) > min(upper) as gap from vmstate.history_partitions()`;
    expect(gap).toBe(true);
  });

  it("fails no verb, and is no reason to stop: a row of 2035", async () => {
    await addChanges(sql, { at: "2035-01-01", partition: false, rows: 1 });
    expect(await maintainHistory(sql, {})).toMatchObject({ outcome: "applied", created: 1 });
    await running(sql);
  });

  it("is the present one, if no partition was made in time: verbs go on, the next partition is made", async () => {
    for (const name of await partitions(sql)) await sql.unsafe(`drop table ${name}`);
    await running(sql);
    expect(await defaultRows(sql)).toBeGreaterThan(0);
    expect(await maintainHistory(sql, {})).toMatchObject({ outcome: "applied", created: 2 });
    expect(await sql`select from vmstate.history_partitions() as p where p.lower < now()`).toEqual([]);
  });
});

describe("conflict/default_full", () => {
  it("if the default has more than 100,000 rows, unless p_force is true", async () => {
    await addChanges(sql, { days: 20, partition: false, rows: 100_001 });
    const full = { ...NOTHING, outcome: "conflict", reason: "default_full" };
    expect(await maintainHistory(sql, {})).toEqual(full);
    expect(await maintainHistory(sql, { force: true })).toMatchObject({ outcome: "applied", created: 1 });
    // Nothing is to be made now, so it does not matter how full it is.
    expect(await maintainHistory(sql, {})).toMatchObject({ outcome: "unchanged" });
  });

  it("deletes old rows until they fit", async () => {
    await addChanges(sql, { days: 40, partition: false, rows: 100_001 });
    expect(await maintainHistory(sql, { keep: "30 days" })).toMatchObject({
      outcome: "applied",
      created: 1,
      deleted: 10_000,
    });
  });
});

describe("conflict/locked", () => {
  it("if a reader holds a partition that is to be dropped: what was made stays, and the next call drops it", async () => {
    await addChanges(sql, { days: 40, partition: true, rows: 1 });
    const reader = db.connect({ max: 1 });
    await reader.unsafe("begin");
    await reader`select count(*) from vmstate.history`;
    const answer = await maintainHistory(sql, { keep: "30 days" });
    expect(answer).toMatchObject({ outcome: "conflict", reason: "locked", dropped: 0 });
    // A verb that comes while the reader still reads does not wait.
    await running(sql);
    await reader.unsafe("commit");
    expect(await maintainHistory(sql, { keep: "30 days" })).toMatchObject({ dropped: 1 });
  });

  it("if a writer of the default holds it", async () => {
    const writer = db.connect({ max: 1 });
    await writer.unsafe("begin");
    await addChanges(writer, { at: "2035-01-01", partition: false, rows: 1 });
    expect(await maintainHistory(sql, {})).toEqual({ ...NOTHING, outcome: "conflict", reason: "locked" });
    await writer.unsafe("commit");
    expect(await maintainHistory(sql, {})).toMatchObject({ outcome: "applied", created: 1 });
  });

  it("if a session holds the default that is too full, too", async () => {
    await addChanges(sql, { days: 40, partition: false, rows: 100_001 });
    const holder = db.connect({ max: 1 });
    await holder.unsafe("begin; lock table vmstate.history_default in share mode");
    expect(await maintainHistory(sql, { keep: "30 days" })).toEqual({
      ...NOTHING,
      outcome: "conflict",
      reason: "locked",
    });
    await holder.unsafe("commit");
    expect(await maintainHistory(sql, { keep: "30 days" })).toMatchObject({ created: 1, deleted: 10_000 });
  });

  it("while it waits, verbs wait no longer than that", async () => {
    await addChanges(sql, { days: 40, partition: true, rows: 1 });
    const reader = db.connect({ max: 1 });
    const janitor = db.connect({ max: 1 });
    await reader.unsafe("begin");
    await reader`select count(*) from vmstate.history`;
    const [{ pid }] = await janitor<[{ pid: number }]>`select pg_backend_pid() as pid`;
    const maintained = maintainHistory(janitor, { keep: "30 days" });
    await untilWaiting(sql, pid);
    await running(sql);
    expect(await maintained).toMatchObject({ outcome: "conflict", reason: "locked" });
    await reader.unsafe("commit");
  });
});

describe("unchanged", () => {
  it("while another session is at it", async () => {
    await addChanges(sql, { days: 40, partition: true, rows: 1 });
    await sql.begin(async (first) => {
      expect(await maintainHistory(first, { keep: "30 days" })).toMatchObject({ dropped: 1 });
      expect(await maintainHistory(sql, { keep: "30 days" })).toEqual({
        ...NOTHING,
        outcome: "unchanged",
        reason: null,
      });
    });
  });

  it("for seven of eight callers at once", async () => {
    const many = db.connect({ max: 8 });
    await Promise.all(Array.from({ length: 8 }, () => many`select 1`));
    const answers = await Promise.all(Array.from({ length: 8 }, () => maintainHistory(many, {})));
    expect(answers.reduce((sum, { created }) => sum + created, 0)).toBe(1);
    expect(answers.filter(({ outcome }) => outcome === "conflict")).toEqual([]);
  });
});

describe("VM001", () => {
  it.each([
    [{ p_keep: "23 hours" }, "p_keep", /at least 1 day/],
    [{ p_keep: "1001 years" }, "p_keep", /at most 1000 years/],
    [{ p_width: "59 minutes" }, "p_width", /at least 1 hour/],
    [{ p_keep: "1 day", p_width: "2 days" }, "p_width", /at most p_keep/],
    [{ p_width: "1 month" }, "p_width", /without months/],
    [{ p_keep: "90 days", p_width: "5 days" }, "p_width", /at most 20/],
    [{ p_keep: null }, "p_keep", /null/],
    [{ p_width: null }, "p_width", /null/],
    [{ p_force: null }, "p_force", /null/],
  ])("%o", async (given: Record<string, string | null>, argument, detail) => {
    await expectInvalid(sql, "maintain_history", given, argument, detail);
  });
});

it("does not hide an error that has nothing to do with locks", async () => {
  const [{ name }] = await sql<[{ name: string }]>`
    select 'history_' || to_char(max(upper) at time zone 'UTC', 'YYYYMMDD_HH24MI') as name from vmstate.history_partitions()`;
  await sql.unsafe(`create table vmstate.${name} ()`);
  expect((await errorOf(call(sql, "maintain_history", { p_width: "7 days" })))?.code).toBe("42P07");
});

it("its steps leave alone a range that has a partition, and a partition that is another one by now", async () => {
  const before = await partitions(sql);
  await sql`select vmstate.add_history_partition(now(), now() + interval '1 hour')`;
  await sql`select vmstate.add_history_partition(now() + interval '1 year', now())`;
  await sql`select vmstate.drop_history_partition(name, upper + interval '1 hour') from vmstate.history_partitions()`;
  expect(await partitions(sql)).toEqual(before);
});
