import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  beginMigration,
  beginStart,
  configureInstance,
  failVmm,
  restartableInstances,
  runUpdate,
  unwindStart,
  type BeginStartResult,
  type RestartableInstanceRow,
} from "../../src/index.js";
import { withDatabase } from "../support/database.js";
import {
  anotherMigration,
  anotherStart,
  applied,
  failed,
  instance,
  migrating,
  running,
  say,
  starting,
  update,
  unwound,
  vmm,
  writingNothing,
  type Scenario,
} from "./scenario.js";
import { reportVmmsOf, sledWith, vmmHeardAgo } from "./sleds.js";

// The back-off of automatic restarts, so that a VM that cannot boot is not restarted at full speed for ever.

const { sql } = withDatabase();

describe("auto_restart_wait", () => {
  const HOUR = 3_600_000_000n;
  const MINUTE = 60_000_000n;

  /** In microseconds: greatest(cooldown, least(1 hour, cooldown doubled with each attempt after the first)). */
  function expectedWait(cooldown: bigint | null, attempts: number): bigint {
    const given = cooldown ?? 5n * MINUTE;
    const doublings = BigInt(Math.max(attempts - 1, 0));
    const base = given === 0n && attempts >= 2 ? 1_000_000n : given;
    // a base of at least 1 microsecond is past 1 hour after 32 doublings
    const raised = base * 2n ** (doublings > 32n ? 32n : doublings);
    const capped = raised < HOUR ? raised : HOUR;
    return given > capped ? given : capped;
  }

  const COOLDOWNS: (bigint | null)[] = [
    null,
    0n,
    1n,
    3n,
    999_999n,
    1_000_000n,
    1_000_001n,
    7_500_000n,
    MINUTE,
    5n * MINUTE,
    30n * MINUTE,
    HOUR - 1n,
    HOUR,
    HOUR + 1n,
    24n * HOUR,
    24n * 365n * HOUR,
  ];
  const ATTEMPTS = [0, 1, 2, 3, 4, 5, 8, 9, 12, 13, 21, 31, 32, 33, 34, 63, 64, 65, 1024, 2 ** 31 - 1];

  test("equals the documented formula, to the microsecond, for every cooldown and number of attempts", async () => {
    const rows = await sql<{ cooldown: string | null; attempts: number; wait: string }[]>`
      select c::text as cooldown, a as attempts,
          (extract(epoch from vmstate.auto_restart_wait(c * interval '1 microsecond', a)) * 1000000)::bigint::text as wait
        from unnest(${COOLDOWNS.map((c) => c?.toString() ?? null)}::bigint[]) as c,
          unnest(${ATTEMPTS}::integer[]) as a`;
    expect(rows).toHaveLength(COOLDOWNS.length * ATTEMPTS.length);
    const wrong = rows.filter(
      ({ cooldown, attempts, wait }) =>
        BigInt(wait) !== expectedWait(cooldown === null ? null : BigInt(cooldown), attempts),
    );
    expect(wrong).toEqual([]);
  });

  test.each([
    [null, ["00:05:00", "00:05:00", "00:10:00", "00:20:00", "00:40:00", "01:00:00", "01:00:00"]],
    ["0", ["00:00:00", "00:00:00", "00:00:02", "00:00:04", "00:00:08", "00:00:16", "00:00:32"]],
    ["1 second", ["00:00:01", "00:00:01", "00:00:02", "00:00:04", "00:00:08", "00:00:16", "00:00:32"]],
    ["2 hours", Array.from({ length: 7 }, () => "02:00:00")],
  ])("with a cooldown of %s, for 0 to 6 attempts: %j", async (cooldown, waits) => {
    const rows = await sql<{ wait: string }[]>`
      select vmstate.auto_restart_wait(${cooldown}::interval, a)::text as wait from generate_series(0, 6) as a order by a`;
    expect(rows.map(({ wait }) => wait)).toEqual(waits);
  });

  test.each(["1 mon", "1 year", "178000000 years"])(
    "returns a cooldown of %s unchanged: it is longer than 1 hour",
    async (cooldown) => {
      const rows = await sql<{ wait: string }[]>`
        select vmstate.auto_restart_wait(${cooldown}::interval, a)::text as wait
          from unnest(${ATTEMPTS}::integer[]) as a`;
      expect(new Set(rows.map(({ wait }) => wait))).toEqual(new Set([cooldown]));
    },
  );
});

test("ran_long is true if the VMM's last report is at least 10 minutes after its guest started", async () => {
  const rows = await sql`
    select s as seconds, vmstate.ran_long(now(), now() + make_interval(secs => s)) as answer
      from unnest(array[-1, 0, 599.999999, 600, 100000, null]) as s`;
  expect(rows.map(({ answer }) => Boolean(answer))).toEqual([false, false, false, true, true, false]);
  const [never] = await sql`select vmstate.ran_long(null, now()) as answer`;
  expect(never).toEqual({ answer: false });
});

const RESTART = { startReason: "auto_restart" } as const;

function restart(s: Scenario, propolisId = randomUUID()): Promise<BeginStartResult> {
  return beginStart(sql, { ...anotherStart(s), ...RESTART, propolisId });
}

const attempts = async (s: Scenario): Promise<unknown> => (await instance(sql, s))["auto_restart_attempts"];

/** The row of the instance in restartable_instance. */
async function listed(s: Scenario): Promise<RestartableInstanceRow | undefined> {
  return (await restartableInstances(sql)).find(({ instanceId }) => instanceId === s.instanceId);
}

/** Sets the last automatic restart to so long ago. */
async function restartedAgo(s: Scenario, ago: string): Promise<void> {
  await sql`update vmstate.instance set time_last_auto_restarted = clock_timestamp() - ${ago}::interval
    where id = ${s.instanceId}`;
}

/** An instance in a boot loop: it was restarted automatically so often, and its VMM failed each time. */
async function looping(count: number, autoRestartCooldown?: string): Promise<Scenario> {
  const s = await failed(sql);
  await configureInstance(sql, { instanceId: s.instanceId, autoRestartCooldown });
  for (let i = 0; i < count; i++) {
    await restartedAgo(s, "1 day");
    await crash(s);
  }
  return s;
}

async function crash(s: Scenario): Promise<void> {
  const propolisId = randomUUID();
  await applied(restart(s, propolisId));
  await applied(failVmm(sql, { ...s, propolisId, reason: "operator" }));
  await update(sql, s);
}

/** Sets time_started of the VMM to that long before its last report. */
async function ranFor(propolisId: string, interval: string): Promise<void> {
  await sql`update vmstate.vmm set time_started = time_reported - ${interval}::interval,
    state_generation = state_generation + 1 where id = ${propolisId}`;
}

describe("auto_restart_attempts", () => {
  test("counts automatic restarts in a row", async () => {
    const s = await failed(sql);
    for (const count of [1, 2, 3]) {
      await restartedAgo(s, "1 day");
      await crash(s);
      expect(await attempts(s)).toBe(count);
      await restartedAgo(s, "1 day");
      expect(await listed(s)).toMatchObject({ autoRestartAttempts: count });
    }
  });

  test("counts a restart whose start saga unwinds", async () => {
    const s = await unwound(sql);
    const start = { ...anotherStart(s), ...RESTART };
    await applied(beginStart(sql, start));
    await applied(unwindStart(sql, start));
    await restartedAgo(s, "1 day");
    await applied(restart(s));
    expect(await attempts(s)).toBe(2);
  });

  test("counts a replayed restart once", async () => {
    const s = await failed(sql);
    const start = { ...anotherStart(s), ...RESTART };
    await applied(beginStart(sql, start));
    expect(await writingNothing(sql, () => beginStart(sql, start))).toMatchObject({ outcome: "unchanged" });
    expect(await attempts(s)).toBe(1);
  });

  test("is reset to 0 by a user's start", async () => {
    const s = await looping(3);
    await applied(beginStart(sql, anotherStart(s)));
    expect(await attempts(s)).toBe(0);
  });

  test("is not changed by a refused restart", async () => {
    const s = await looping(2);
    expect(await writingNothing(sql, () => restart(s))).toMatchObject({ reason: "restart_not_permitted" });
    await applied(restart(await looping(0)));
  });

  test("stays at 2147483647, the greatest number that the column holds", async () => {
    const s = await failed(sql);
    await sql`update vmstate.instance set auto_restart_attempts = 2147483647 where id = ${s.instanceId}`;
    await applied(restart(s));
    expect(await attempts(s)).toBe(2147483647);
  });
});

describe("the back-off decides alike in restartable_instance and begin_start:", () => {
  test.each([
    ["1st", 1, undefined, "4 minutes 59 seconds", false],
    ["1st", 1, undefined, "5 minutes", true],
    ["2nd", 2, undefined, "9 minutes 59 seconds", false],
    ["2nd", 2, undefined, "10 minutes", true],
    ["4th", 4, undefined, "39 minutes", false],
    ["4th", 4, undefined, "40 minutes", true],
    ["7th", 7, undefined, "59 minutes", false],
    ["7th", 7, undefined, "1 hour", true],
    ["1st", 1, "0", "0", true],
    ["3rd", 3, "0", "3 seconds", false],
    ["3rd", 3, "0", "4 seconds", true],
    ["3rd", 3, "2 hours", "119 minutes", false],
    ["3rd", 3, "2 hours", "2 hours", true],
  ])("due after the %s attempt (%i) with cooldown %s, %s ago: %s", async (_, count, cooldown, ago, isDue) => {
    const s = await looping(0, cooldown);
    await sql`update vmstate.instance set auto_restart_attempts = ${count} where id = ${s.instanceId}`;
    await restartedAgo(s, ago);
    expect((await listed(s)) !== undefined).toBe(isDue);
    expect(await restart(s)).toMatchObject(
      isDue ? { outcome: "applied" } : { outcome: "conflict", reason: "restart_not_permitted" },
    );
  });

  test("permits only 2 of 50 immediate restarts with a cooldown of 0", async () => {
    const s = await looping(0, "0");
    let count = 0;
    for (let i = 0; i < 50; i++) {
      const propolisId = randomUUID();
      if ((await restart(s, propolisId)).outcome !== "applied") continue;
      count++;
      await applied(failVmm(sql, { ...s, propolisId, reason: "operator" }));
      await update(sql, s);
    }
    expect(count).toBe(2);
  });

  test("restartable_instance shows the time of the next restart: last restart plus wait", async () => {
    const s = await looping(3);
    await restartedAgo(s, "1 hour");
    const last = new Date(String((await instance(sql, s))["time_last_auto_restarted"]));
    const row = await listed(s);
    expect(row).toMatchObject({ autoRestartAttempts: 3, timeLastAutoRestarted: last });
    expect(Number(row?.timeNextAutoRestart) - Number(last)).toBe(20 * 60 * 1000);
  });

  test("a cooldown of years less days does not break restartable_instance for other instances", async () => {
    const [s, other] = [await looping(2), await failed(sql)];
    // Compares as 1 hour, for a month compares as 30 days; as a time it would be out of range.
    const autoRestartCooldown = "5000000 years -1800000000 days 1 hour";
    await configureInstance(sql, { instanceId: s.instanceId, autoRestartCooldown });
    await restartedAgo(s, "3 hours");
    expect(await listed(other)).toMatchObject({ autoRestartAttempts: 0 });
    await expect(restartableInstances(sql)).resolves.toBeInstanceOf(Array);
  });

  test("a cooldown of 178000000 years does not break restartable_instance for other instances", async () => {
    const [s, other] = [await looping(2), await failed(sql)];
    await configureInstance(sql, { instanceId: s.instanceId, autoRestartCooldown: "178000000 years" });
    expect(await listed(s)).toBeUndefined();
    expect(await listed(other)).toMatchObject({ autoRestartAttempts: 0 });
    expect(await restart(s)).toMatchObject({ reason: "restart_not_permitted" });
  });
});

describe("10 minutes of running reset auto_restart_attempts:", () => {
  test.each([
    ["9 minutes 59 seconds", 2],
    ["10 minutes", 0],
    ["30 days", 0],
  ])("a VMM that ran %s: %i attempts once it is dead and unlinked", async (interval, left) => {
    const s = await looping(1);
    const propolisId = await restartedAndRunning(s);
    await say(sql, { ...s, propolisId }, "active", "stopping");
    await ranFor(propolisId, interval);
    // The owner's UPDATE ends the VMM and leaves time_reported as it is, which fail_vmm would not.
    await sql`update vmstate.vmm set state = 'failed', failure_reason = 'operator',
      state_generation = state_generation + 1 where id = ${propolisId}`;
    await update(sql, s);
    expect(await attempts(s)).toBe(left);
  });

  test.each([
    ["9 minutes", 3],
    ["11 minutes", 0],
  ])("a VMM of which only its sled reported for %s, until it died: %i attempts", async (ago, left) => {
    const { sledId, s, vmms } = await sledWith(sql, "running");
    await sql`update vmstate.instance set auto_restart_attempts = 3 where id = ${s.instanceId}`;
    await vmmHeardAgo(sql, s.propolisId, ago);
    await sql`update vmstate.vmm set time_started = time_reported, state_generation = state_generation + 1
      where id = ${s.propolisId}`;
    await applied(reportVmmsOf(sql, sledId, vmms));
    await say(sql, s, "active", "failed");
    await update(sql, s);
    expect(await attempts(s)).toBe(left);
  });

  test("restartable_instance shows the reset before the update saga writes it", async () => {
    const s = await looping(1);
    await restartedAgo(s, "1 day");
    const start = { ...anotherStart(s), ...RESTART };
    await applied(beginStart(sql, start));
    await say(sql, { ...s, propolisId: start.propolisId }, "active", "running");
    await ranFor(start.propolisId, "10 minutes");
    await applied(unwindStart(sql, start));
    await restartedAgo(s, "6 minutes");
    expect(await listed(s)).toMatchObject({ autoRestartAttempts: 0 });
    await applied(restart(s));
    expect(await attempts(s)).toBe(1);
  });

  test("a migration source that ran 10 minutes: reset when the guest moves", async () => {
    const s = await running(sql);
    await sql`update vmstate.instance set auto_restart_attempts = 3 where id = ${s.instanceId}`;
    await ranFor(s.propolisId, "10 minutes");
    await applied(beginMigration(sql, s.migration));
    await say(sql, s, "destination", "running", "completed");
    await update(sql, s);
    expect(await attempts(s)).toBe(0);
  });

  test("a destination that ran 10 minutes beside an unwound VMM: reset when the instance is restarted", async () => {
    const s = await looping(1);
    await restartedAgo(s, "1 day");
    const { propolisId, ...start } = { ...anotherStart(s), ...RESTART };
    await applied(beginStart(sql, { ...start, propolisId }));
    await say(sql, { ...s, propolisId }, "active", "running");
    const migration = { ...anotherMigration(s), sourcePropolisId: propolisId };
    const { destinationPropolisId } = migration;
    await applied(beginMigration(sql, migration));
    await say(sql, { ...s, propolisId: destinationPropolisId }, "active", "running");
    await applied(unwindStart(sql, { ...start, propolisId }));
    await restartedAgo(s, "6 minutes");
    expect(await listed(s)).toBeUndefined();
    expect(await restart(s)).toMatchObject({ reason: "restart_not_permitted" });
    await ranFor(destinationPropolisId, "10 minutes");
    expect(await listed(s)).toMatchObject({ autoRestartAttempts: 0 });
    await applied(restart(s));
    expect(await attempts(s)).toBe(1);
  });

  test("a VMM that was reported starting for 1 day: not reset", async () => {
    const s = await starting(sql);
    await sql`update vmstate.instance set auto_restart_attempts = 3 where id = ${s.instanceId}`;
    await sql`update vmstate.vmm set time_created = time_created - interval '1 day' where id = ${s.propolisId}`;
    await say(sql, s, "active", "starting");
    await say(sql, s, "active", "failed");
    await update(sql, s);
    expect(await attempts(s)).toBe(3);
  });

  async function restartedAndRunning(s: Scenario): Promise<string> {
    await restartedAgo(s, "1 day");
    const propolisId = randomUUID();
    await applied(restart(s, propolisId));
    await say(sql, { ...s, propolisId }, "active", "running");
    return propolisId;
  }
});

test("auto_restart_attempts stay as they are when a migration fails", async () => {
  const s = await migrating(sql);
  await sql`update vmstate.instance set auto_restart_attempts = 2 where id = ${s.instanceId}`;
  await say(sql, s, "destination", "failed");
  await runUpdate(sql, { instanceId: s.instanceId, sagaId: randomUUID() });
  expect(await attempts(s)).toBe(2);
  expect(await vmm(sql, s.propolisId)).toMatchObject({ state: "running" });
});
