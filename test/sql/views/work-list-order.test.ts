import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  abandonedVmms,
  beginStart,
  beginUpdate,
  breakUpdate,
  commitUpdate,
  failVmm,
  orphanedVmms,
  pendingUpdates,
  restartableInstances,
  unlockUpdate,
  unwindStart,
} from "../../../src/index.js";
import { createDatabase, type TestDatabase } from "../../support/database.js";
import {
  anotherStart,
  applied,
  clock,
  expireLease,
  failed,
  instance,
  isSince,
  migrated,
  migrating,
  running,
  say,
  saying,
  unwound,
  update,
  vmm,
  type Scenario,
} from "../scenario.js";

// Since when each row waits, and the order that follows: a row that always fails must not starve the rest.
// Each test has a database of its own: the order is that of all rows.

let db: TestDatabase;
let sql: postgres.Sql;
beforeEach(async () => {
  db = await createDatabase();
  ({ sql } = db);
});
afterEach(() => db.drop());

/** Reads the instances of a list. The query has no ORDER BY, because the list has to be in order by itself. */
async function inOrder(view: string): Promise<string[]> {
  const rows = await sql<{ instance_id: string }[]>`select instance_id from vmstate.${sql(view)}`;
  return rows.map(({ instance_id }) => instance_id);
}

/** Reads since when each row waits, to the microsecond, in the order of the list. */
async function sincesOf(view: string): Promise<string[]> {
  const rows = await sql<{ since: string }[]>`select since::text from vmstate.${sql(view)}`;
  return rows.map(({ since }) => since);
}

async function three(reach: () => Promise<Scenario>): Promise<[Scenario, Scenario, Scenario]> {
  return [await reach(), await reach(), await reach()];
}

const idsOf = (...scenarios: Scenario[]): string[] => scenarios.map(({ instanceId }) => instanceId);

/** Lets a saga take the updater lock of the instance. */
async function lock({ instanceId }: Scenario): Promise<{
  instanceId: string;
  sagaId: string;
  updaterGeneration: number;
  planToken: string;
}> {
  const saga = { instanceId, sagaId: randomUUID() };
  const { updaterGeneration, planToken } = await applied(beginUpdate(sql, { ...saga, lease: "1 hour" }));
  return { ...saga, updaterGeneration, planToken };
}

type Turn = [string, (s: Scenario) => Promise<unknown>];
/** What moves an instance to the end of a list, by what has happened then. */
const TURNS: Turn[] = [
  [
    "the updater lease expired",
    async (s) => {
      await lock(s);
      await expireLease(sql, s);
    },
  ],
  ["the saga unlocked the instance", async (s) => applied(unlockUpdate(sql, await lock(s)))],
  [
    "an operator broke the updater lock",
    async (s) => applied(breakUpdate(sql, { ...(await lock(s)), reason: "the saga is dead" })),
  ],
];

describe("pending_update", () => {
  const needs: [string, () => Promise<Scenario>][] = [
    ["the VMM failed", () => saying(sql, "failed")],
    ["the VMM is unwound", () => unwound(sql)],
    [
      "a side of the migration completed",
      async () => {
        const s = await migrating(sql);
        await say(sql, s, "destination", "running", "completed");
        return s;
      },
    ],
    [
      "the destination is dead",
      async () => {
        const s = await migrating(sql);
        await applied(failVmm(sql, { ...s, propolisId: s.destinationId, reason: "operator" }));
        return s;
      },
    ],
  ];
  test.each(needs)("lists oldest first, since the update became needed: %s", async (_, reach) => {
    const begin = await clock(sql);
    const all = await three(reach);
    expect(await inOrder("pending_update")).toEqual(idsOf(...all));
    const rows = await pendingUpdates(sql);
    for (const since of await sincesOf("pending_update")) expect(await isSince(sql, begin, since)).toBe(true);
    expect(rows.map(({ since }) => Number(since))).toEqual(
      rows.map(({ since }) => Number(since)).toSorted((a, b) => a - b),
    );
  });

  test.each(TURNS)("lists an instance last, since that time, once %s", async (_, turn) => {
    const [a, b, c] = await three(() => saying(sql, "failed"));
    const begin = await clock(sql);
    await turn(a);
    expect(await inOrder("pending_update")).toEqual(idsOf(b, c, a));
    // a lease ends at updater_lease_until, not when a session reads it
    const ended = (await instance(sql, a))["updater_lease_until"];
    expect(await isSince(sql, begin, (await sincesOf("pending_update")).at(-1))).toBe(true);
    if (typeof ended === "string") expect((await pendingUpdates(sql)).at(-1)?.since).toEqual(new Date(ended));
    await turn(b);
    expect(await inOrder("pending_update")).toEqual(idsOf(c, a, b));
  });

  test("ignores the sled's clock", async () => {
    const [a, b] = [await running(sql), await running(sql)];
    for (const [s, time] of [
      [a, "2999-01-01"],
      [b, "1999-01-01"],
    ] as const)
      await sql`select vmstate.report_vmm(${s.instanceId}, ${s.propolisId}, 'failed', 9, ${time}::text::timestamptz)`;
    expect(await inOrder("pending_update")).toEqual(idsOf(a, b));
  });

  test("a worker that takes the first 4 of 12 three times reaches all 12, though none is committed", async () => {
    for (let i = 0; i < 12; i++) await saying(sql, "failed");
    const reached = new Set<string>();
    for (let round = 0; round < 3; round++) {
      for (const { instanceId } of await pendingUpdates(sql, { limit: 4 })) {
        reached.add(instanceId);
        await lock({ instanceId } as Scenario);
        await expireLease(sql, { instanceId });
      }
    }
    expect(reached.size).toBe(12);
  });
});

describe("restartable_instance", () => {
  test.each([
    ["failed", () => failed(sql)],
    ["whose VMM is unwound", () => unwound(sql)],
  ])("lists oldest first: an instance %s", async (_, reach) => {
    const all = await three(reach);
    expect(await inOrder("restartable_instance")).toEqual(idsOf(...all));
  });

  test.each(TURNS)("lists an instance last once %s", async (_, turn) => {
    const [a, b, c] = await three(() => unwound(sql));
    await turn(a);
    expect(await inOrder("restartable_instance")).toEqual(idsOf(b, c, a));
  });

  test("lists an instance last once a restart was unwound and its back-off is over", async () => {
    const [a, b] = [await unwound(sql), await unwound(sql)];
    const start = { ...anotherStart(a), startReason: "auto_restart" } as const;
    await sql`update vmstate.instance set auto_restart_cooldown = '0' where id = ${a.instanceId}`;
    await applied(beginStart(sql, start));
    await applied(unwindStart(sql, start));
    expect(await inOrder("restartable_instance")).toEqual(idsOf(b, a));
  });

  test("shows since as the end of the back-off when that is after the failure", async () => {
    const s = await failed(sql);
    await sql`update vmstate.instance set state_generation = state_generation + 1,
        time_state_updated = clock_timestamp() - interval '1 hour',
        auto_restart_attempts = 2, auto_restart_cooldown = '1 minute',
        time_last_auto_restarted = clock_timestamp() - interval '30 minutes' where id = ${s.instanceId}`;
    const [row] = await restartableInstances(sql);
    const last = Number(row?.timeLastAutoRestarted);
    expect(Number(row?.since)).toBe(last + 120_000);
    expect(row?.timeNextAutoRestart).toEqual(row?.since);
  });
});

describe("abandoned_vmm", () => {
  test("lists oldest first, since the VMM was both dead and unlinked", async () => {
    const [a, b] = [await migrated(sql), await failed(sql)];
    await say(sql, a, "active", "destroyed");
    expect(await inOrder("abandoned_vmm")).toEqual(idsOf(b, a));
    const rows = await abandonedVmms(sql);
    const [first, second] = [await vmm(sql, b.propolisId), await vmm(sql, a.propolisId)];
    expect(rows.map(({ since }) => since)).toEqual([
      new Date(String(first["time_unlinked"])),
      new Date(String(second["time_reported"])),
    ]);
  });
});

describe("orphaned_vmm", () => {
  test("lists oldest first, since the link was removed", async () => {
    const all = await three(() => migrated(sql));
    await say(sql, all[0], "active", "stopping");
    expect(await inOrder("orphaned_vmm")).toEqual(idsOf(...all));
    for (const { since, timeUnlinked } of await orphanedVmms(sql)) expect(since).toEqual(timeUnlinked);
  });
});

test("a commit removes the instance from pending_update", async () => {
  const [a, b] = [await saying(sql, "failed"), await saying(sql, "failed")];
  await applied(commitUpdate(sql, await lock(a)));
  expect(await inOrder("pending_update")).toEqual(idsOf(b));
  await update(sql, b);
  expect(await inOrder("pending_update")).toEqual([]);
});
