import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import { describe, expect, test } from "vitest";
import {
  abandonedVmms,
  apiInstance,
  apiInstances,
  apiVmms,
  beginStart,
  beginUpdate,
  configureInstance,
  deleteInstance,
  deleteVmm,
  failVmm,
  invariantViolations,
  orphanedVmms,
  pendingUpdates,
  requestStop,
  restartableInstances,
  stuckInstances,
  unwindMigration,
  unwindStart,
  watchedVmms,
  type ReportedVmmState,
} from "../../src/index.js";
import { withDatabase } from "../support/database.js";
import { NO_PLANS, PLANS } from "./plans.js";
import {
  anotherStart,
  applied,
  creating,
  deleted,
  expireLease,
  failed,
  handedOver,
  instance,
  migrated,
  migrating,
  rowOf,
  running,
  say,
  saying,
  starting,
  stopped,
  unwound,
  update,
  vmm,
  type Scenario,
} from "./scenario.js";

const db = withDatabase();
const { sql } = db;

/** Those of the rows that are about the scenario's instance. */
async function of<Row extends { instanceId: string }>(s: Scenario, rows: Promise<Row[]>): Promise<Row[]> {
  return (await rows).filter(({ instanceId }) => instanceId === s.instanceId);
}

async function lock(s: Scenario): Promise<Scenario> {
  await applied(beginUpdate(sql, { instanceId: s.instanceId, sagaId: randomUUID(), lease: "1 hour" }));
  return s;
}

async function migratingTo(state: ReportedVmmState): Promise<Scenario> {
  const s = await migrating(sql);
  await say(sql, s, "destination", state);
  return s;
}

async function unwoundMigration(): Promise<Scenario> {
  const s = await migrating(sql);
  await applied(unwindMigration(sql, s.migration));
  return { ...s, row: rowOf(s, "running", 4, s.propolisId, s.destinationId) };
}

/** Deleted, its last VMM still running on some sled. */
async function deletedWithOrphan(): Promise<Scenario> {
  const s = await migrating(sql);
  await say(sql, s, "destination", "migrating", "in_progress");
  await applied(unwindStart(sql, s.start));
  await applied(deleteInstance(sql, s));
  return s;
}

describe("api_instance", () => {
  test("has the columns that the API shows", async () => {
    const s = await running(sql, { autoRestartPolicy: "never", autoRestartCooldown: "90 seconds" });
    const { time_state_updated } = await vmm(sql, s.propolisId);
    expect(await apiInstance(sql, s)).toEqual({
      id: s.instanceId,
      instanceId: s.instanceId,
      state: "running",
      projectId: s.create.projectId,
      name: "web",
      intendedState: "running",
      autoRestartPolicy: "never",
      autoRestartCooldown: "00:01:30",
      timeStateUpdated: new Date(String(time_state_updated)),
      timeCreated: expect.any(Date) as unknown,
      timeModified: expect.any(Date) as unknown,
    });
  });

  const shown: [string, () => Promise<Scenario>][] = [
    ["creating", () => creating(sql)],
    ["stopped", () => stopped(sql)],
    ["starting", () => starting(sql)],
    ["migrating", () => migrating(sql)],
    ["stopped", () => unwound(sql)],
    ["running", () => unwoundMigration()],
    ["failed", () => failed(sql)],
  ];
  test.each(shown)("shows the same state as the verbs: %s", async (state, reach) => {
    const s = await reach();
    expect(s.row.apiState).toBe(state);
    expect(await apiInstance(sql, s)).toMatchObject({ state });
  });

  const told: ReportedVmmState[] = [
    "starting",
    "running",
    "stopping",
    "stopped",
    "rebooting",
    "migrating",
    "failed",
    "destroyed",
  ];
  test.each(told)("shows the state derived from a VMM that is %s", async (state) => {
    const s = await saying(sql, state);
    expect(await apiInstance(sql, s)).toMatchObject({ state: s.row.apiState });
  });

  test("hides deleted instances", async () => {
    const s = await deleted(sql);
    expect(await apiInstance(sql, s)).toBeUndefined();
    expect(await apiInstances(sql, s.create)).toEqual([]);
  });

  test("lists the instances of a project by name, up to a limit", async () => {
    const { projectId } = (await creating(sql, { name: "b" })).create;
    for (const name of ["c", "a"]) await creating(sql, { name, projectId });
    const names = async (limit?: number): Promise<string[]> =>
      (await apiInstances(sql, { projectId, limit })).map(({ name }) => name);
    expect(await names()).toEqual(["a", "b", "c"]);
    expect(await names(2)).toEqual(["a", "b"]);
  });
});

describe("api_vmm", () => {
  test("has the columns that the API shows, oldest VMM first", async () => {
    const s = await migratingTo("failed");
    const common = {
      instanceId: s.instanceId,
      propolisPort: 12400,
      timeStateUpdated: expect.any(Date) as unknown,
      timeCreated: expect.any(Date) as unknown,
    };
    expect(await apiVmms(sql, s)).toEqual([
      {
        id: s.propolisId,
        propolisId: s.propolisId,
        state: "running",
        sledId: s.start.sledId,
        propolisIp: "fd00::1",
        failureReason: null,
        ...common,
      },
      {
        id: s.destinationId,
        propolisId: s.destinationId,
        state: "failed",
        sledId: s.migration.sledId,
        propolisIp: "fd00::2",
        failureReason: "sled_agent_report",
        ...common,
      },
    ]);
  });

  test("shows an unwound VMM as destroyed", async () => {
    const s = await unwound(sql);
    expect(await apiVmms(sql, s)).toMatchObject([{ id: s.propolisId, state: "destroyed" }]);
  });

  test("hides deleted VMMs", async () => {
    const s = await failed(sql);
    expect(await apiVmms(sql, s)).toHaveLength(1);
    await applied(deleteVmm(sql, s));
    expect(await apiVmms(sql, s)).toEqual([]);
  });
});

describe("pending_update", () => {
  test.each(PLANS)("lists $title", async ({ title, reach }) => {
    const s = await reach(sql);
    const [row] = await sql`select updater_generation from vmstate.instance where id = ${s.instanceId}`;
    expect(await of(s, pendingUpdates(sql))).toEqual([
      {
        instanceId: s.instanceId,
        verdict: title.split(":")[0],
        stateGeneration: s.row.stateGeneration,
        updaterGeneration: Number(row?.["updater_generation"]),
        since: expect.any(Date) as unknown,
      },
    ]);
    await update(sql, s);
    expect(await of(s, pendingUpdates(sql))).toEqual([]);
  });

  const nothing = [
    ...NO_PLANS,
    ["creating", creating],
    ["stopped without a VMM", stopped],
    ["failed without a VMM", failed],
    ["deleted", deleted],
  ] as typeof NO_PLANS;
  test.each(nothing)("does not list %s", async (_, reach) => {
    expect(await of(await reach(sql), pendingUpdates(sql))).toEqual([]);
  });

  test.each([
    ["a dead VMM", () => saying(sql, "failed")],
    ["a migration that failed", () => migratingTo("failed")],
  ])("lists no instance whose updater lock is held, until its lease expires: %s", async (_, reach) => {
    const s = await lock(await reach());
    expect(await of(s, pendingUpdates(sql))).toEqual([]);
    await expireLease(sql, s);
    expect(await of(s, pendingUpdates(sql))).toMatchObject([{ updaterGeneration: 2 }]);
  });

  test("lists up to a limit", async () => {
    await saying(sql, "failed");
    await migratingTo("failed");
    expect(await pendingUpdates(sql, { limit: 1 })).toHaveLength(1);
  });
});

describe("abandoned_vmm", () => {
  const dead: [string, () => Promise<Scenario>][] = [
    ["failed", () => saying(sql, "failed")],
    ["destroyed", () => saying(sql, "destroyed")],
    ["saga_unwound", () => unwound(sql)],
  ];
  test.each(dead)(
    "lists a VMM that is %s once it is unlinked and until it is deleted",
    async (state, reach) => {
      const s = await reach();
      expect(await of(s, abandonedVmms(sql))).toEqual([]);
      await update(sql, s);
      expect(await of(s, abandonedVmms(sql))).toEqual([
        {
          instanceId: s.instanceId,
          propolisId: s.propolisId,
          sledId: s.start.sledId,
          state,
          timeUnlinked: expect.any(Date) as unknown,
          since: expect.any(Date) as unknown,
        },
      ]);
      await applied(deleteVmm(sql, s));
      expect(await of(s, abandonedVmms(sql))).toEqual([]);
    },
  );

  test("lists an unwound VMM that another one replaced", async () => {
    const s = await unwound(sql);
    await applied(beginStart(sql, anotherStart(s)));
    expect(await of(s, abandonedVmms(sql))).toMatchObject([{ propolisId: s.propolisId }]);
  });

  test("lists the VMMs of a deleted instance", async () => {
    const s = await unwound(sql);
    await applied(deleteInstance(sql, s));
    expect(await of(s, abandonedVmms(sql))).toMatchObject([{ propolisId: s.propolisId }]);
  });

  test("lists no VMM that is alive", async () => {
    for (const s of [await starting(sql), await running(sql), await migrated(sql)]) {
      expect(await of(s, abandonedVmms(sql))).toEqual([]);
    }
  });
});

describe("orphaned_vmm", () => {
  test("lists a live destination whose migration failed: not expected to end, so it has to be terminated", async () => {
    const s = await migrating(sql);
    await say(sql, s, "destination", "running", "failed");
    expect(await of(s, orphanedVmms(sql))).toEqual([]);
    await update(sql, s);
    expect(await of(s, orphanedVmms(sql))).toEqual([
      {
        instanceId: s.instanceId,
        propolisId: s.destinationId,
        sledId: s.migration.sledId,
        propolisIp: "fd00::2",
        propolisPort: 12400,
        state: "running",
        timeUnlinked: expect.any(Date) as unknown,
        expectedToEnd: false,
        since: expect.any(Date) as unknown,
      },
    ]);
    await say(sql, s, "destination", "destroyed");
    expect(await of(s, orphanedVmms(sql))).toEqual([]);
  });

  test.each([
    ["completed", () => migrated(sql)],
    ["handed over", () => handedOver(sql)],
  ])("lists the source of a migration that was %s: expected to end by itself", async (_, reach) => {
    const s = await reach();
    expect(await of(s, orphanedVmms(sql))).toMatchObject([{ propolisId: s.propolisId, expectedToEnd: true }]);
  });

  test("lists source and destination of a migration that lost the guest: neither is expected to end by itself", async () => {
    const s = await migrating(sql);
    await say(sql, s, "destination", "migrating", "failed");
    await say(sql, s, "active", "running", "completed");
    await update(sql, s);
    const rows = await of(s, orphanedVmms(sql));
    expect(new Map(rows.map((r) => [r.propolisId, r.expectedToEnd]))).toEqual(
      new Map([
        [s.propolisId, false],
        [s.destinationId, false],
      ]),
    );
  });

  test("lists the source whose guest died on the destination: not expected to end, as the plan terminates it", async () => {
    const s = await migrating(sql);
    await say(sql, s, "active", "running", "completed");
    await failVmm(sql, { instanceId: s.instanceId, propolisId: s.destinationId, reason: "operator" });
    await update(sql, s);
    expect(await of(s, orphanedVmms(sql))).toMatchObject([
      { propolisId: s.propolisId, expectedToEnd: false },
    ]);
  });

  test("lists the VMM of a deleted instance", async () => {
    const s = await deletedWithOrphan();
    expect(await of(s, orphanedVmms(sql))).toMatchObject([
      { propolisId: s.destinationId, state: "migrating", expectedToEnd: false },
    ]);
  });

  test("lists no VMM that is linked or dead", async () => {
    for (const s of [await starting(sql), await running(sql), await migrating(sql), await failed(sql)]) {
      expect(await of(s, orphanedVmms(sql))).toEqual([]);
    }
  });
});

describe("restartable_instance", () => {
  const listed: [string, () => Promise<Scenario>][] = [
    ["never started, with intent running", () => stopped(sql, { intendedState: "running" })],
    ["failed", () => failed(sql)],
    ["with an unwound VMM", () => unwound(sql)],
    ["with policy best_effort", () => failed(sql, { autoRestartPolicy: "best_effort" })],
    ["whose updater's lease expired", async () => unlocked(await lock(await unwound(sql)))],
  ];
  test.each(listed)("lists an instance: %s", async (_, reach) => {
    const s = await reach();
    expect(await of(s, restartableInstances(sql))).toEqual([
      {
        instanceId: s.instanceId,
        apiState: s.row.apiState,
        stateGeneration: s.row.stateGeneration,
        timeLastAutoRestarted: null,
        since: expect.any(Date) as unknown,
        autoRestartAttempts: 0,
        timeNextAutoRestart: new Date(String((await instance(sql, s))["time_state_updated"])),
      },
    ]);
  });

  const notListed: [string, () => Promise<Scenario>][] = [
    ["creating", () => creating(sql, { intendedState: "running" })],
    ["meant to be stopped", () => stopped(sql, { intendedState: "stopped" })],
    ["starting", () => starting(sql)],
    ["running", () => running(sql)],
    ["whose VMM died, until the update saga unlinks it", () => saying(sql, "failed")],
    [
      "whose guest shut down",
      async () => {
        const s = await saying(sql, "destroyed");
        await update(sql, s);
        return s;
      },
    ],
    ["with policy never, failed", () => failed(sql, { autoRestartPolicy: "never" })],
    ["with policy never, unwound", () => unwound(sql, { autoRestartPolicy: "never" })],
    ["under an updater lock", async () => lock(await unwound(sql))],
    [
      "that the user stopped, unwound",
      async () => {
        const s = await unwound(sql);
        await applied(requestStop(sql, s));
        return s;
      },
    ],
    ["deleted", () => deleted(sql, { intendedState: "running" })],
  ];
  test.each(notListed)("does not list an instance: %s", async (_, reach) => {
    expect(await of(await reach(), restartableInstances(sql))).toEqual([]);
  });

  test.each([
    [null, "4 minutes", false],
    [null, "6 minutes", true],
    ["1 hour", "59 minutes", false],
    ["1 hour", "61 minutes", true],
    ["0", "0", true],
  ])(
    "lists an instance with cooldown %s, restarted %s ago: %s",
    async (autoRestartCooldown, ago, isListed) => {
      const s = await failed(sql);
      await configureInstance(sql, { instanceId: s.instanceId, autoRestartCooldown });
      await restartedAgo(s, ago);
      expect(await of(s, restartableInstances(sql))).toHaveLength(isListed ? 1 : 0);
    },
  );

  test("lists other instances when one has a cooldown of 1000000 years", async () => {
    const s = await failed(sql);
    const endless = { instanceId: s.instanceId, autoRestartCooldown: "1000000 years" };
    await configureInstance(sql, endless).catch(() => undefined);
    await restartedAgo(s, "1 minute");
    const rows = await restartableInstances(sql).finally(() => configureInstance(sql, s));
    expect(rows.map(({ instanceId }) => instanceId)).not.toContain(s.instanceId);
  });

  async function restartedAgo(s: Scenario, ago: string): Promise<void> {
    await sql`update vmstate.instance set time_last_auto_restarted = clock_timestamp() - ${ago}::interval
      where id = ${s.instanceId}`;
  }

  async function unlocked(s: Scenario): Promise<Scenario> {
    await expireLease(sql, s);
    return s;
  }
});

describe("watched_vmm", () => {
  test.each(["starting", "running", "stopping", "stopped", "rebooting", "migrating"] as const)(
    "lists a VMM that is %s",
    async (state) => {
      const s = await saying(sql, state);
      expect(await of(s, watchedVmms(sql))).toEqual([
        {
          instanceId: s.instanceId,
          propolisId: s.propolisId,
          sledId: s.start.sledId,
          propolisIp: "fd00::1",
          propolisPort: 12400,
          state,
          stateGeneration: 3,
          timeStateUpdated: expect.any(Date) as unknown,
          linked: true,
          timeReported: new Date(String((await vmm(sql, s.propolisId))["time_reported"])),
        },
      ]);
    },
  );

  const unwatched: [string, () => Promise<Scenario>][] = [
    ["creating", () => starting(sql)],
    ["failed", () => saying(sql, "failed")],
    ["destroyed", () => saying(sql, "destroyed")],
    ["saga_unwound", () => unwound(sql)],
  ];
  test.each(unwatched)("does not list a VMM that is %s", async (_, reach) => {
    expect(await of(await reach(), watchedVmms(sql))).toEqual([]);
  });

  test("lists unlinked VMMs as not linked", async () => {
    const s = await migrated(sql);
    const rows = await of(s, watchedVmms(sql));
    expect(new Map(rows.map((r) => [r.propolisId, r.linked]))).toEqual(
      new Map([
        [s.propolisId, false],
        [s.destinationId, true],
      ]),
    );
  });

  test("lists the VMMs of a deleted instance that still run", async () => {
    const s = await deletedWithOrphan();
    expect(await of(s, watchedVmms(sql))).toMatchObject([{ propolisId: s.destinationId, linked: false }]);
  });
});

describe("stuck_instance", () => {
  const stuck: [string, string, () => Promise<Scenario>][] = [
    ["finish_instance_creation", "creating", () => creating(sql)],
    ["start saga", "starting with a VMM that is creating", () => starting(sql)],
    ["sled agent", "starting", () => saying(sql, "starting")],
    ["sled agent", "stopping", () => saying(sql, "stopping")],
    ["sled agent", "stopping with a VMM that is stopped", () => saying(sql, "stopped")],
    ["sled agent", "rebooting", () => saying(sql, "rebooting")],
    ["sled agent", "migrating without a migration", () => saying(sql, "migrating")],
    ["update saga", "stopping with a dead VMM", () => saying(sql, "failed")],
    ["migrate saga", "migrating to a VMM that is creating", () => migrating(sql)],
    ["migration", "migrating", () => migratingTo("migrating")],
    ["migration", "handed over", () => handedOver(sql)],
    ["update saga", "migrating, though the migration failed", () => migratingTo("failed")],
  ];
  test.each(stuck)(
    "lists as waiting for %s an instance %s for 11 minutes, but not for 9",
    async (waitsFor, _, reach) => {
      const s = await reach();
      await silent(s, 9);
      expect(await of(s, stuckInstances(sql))).toEqual([]);
      await silent(s, 11);
      expect(await of(s, stuckInstances(sql))).toEqual([
        {
          instanceId: s.instanceId,
          apiState: s.row.apiState,
          age: expect.stringMatching(/^00:11:0/) as unknown,
          waitsFor,
          since: expect.any(Date) as unknown,
        },
      ]);
    },
  );

  const settled: [string, () => Promise<Scenario>][] = [
    ["stopped", () => stopped(sql)],
    ["running", () => running(sql)],
    ["failed", () => failed(sql)],
    ["stopped with an unwound VMM", () => unwound(sql)],
    ["running, its migration unwound", () => unwoundMigration()],
    ["deleted", () => deleted(sql)],
  ];
  test.each(settled)("does not list an instance that is %s for 10000 minutes", async (_, reach) => {
    const s = await reach();
    await silent(s, 10_000);
    expect(await of(s, stuckInstances(sql))).toEqual([]);
  });

  test.each(["vmm", "source", "destination"])("any report of the %s resets the age", async (news) => {
    const s = await migratingTo("migrating");
    await silent(s, 11);
    if (news === "vmm") await say(sql, s, "active", "running");
    else {
      const side = news === "source" ? "active" : "destination";
      const before = await vmm(sql, news === "source" ? s.propolisId : s.destinationId);
      await say(sql, s, side, before["state"] as ReportedVmmState, "in_progress");
      // the side alone: its VMM stays as silent as it was
      await sql`update vmstate.vmm set time_reported = ${String(before["time_reported"])},
        state_generation = state_generation + 1 where id = ${String(before["id"])}`;
    }
    expect(await of(s, stuckInstances(sql))).toEqual([]);
  });

  test("has the threshold of stuck_after: 10 minutes", async () => {
    expect(await sql`select vmstate.stuck_after()::text`).toEqual([{ stuck_after: "00:10:00" }]);
  });

  /** Sets the times of all rows of the instance to that many minutes ago, as if no report had come since. */
  async function silent(s: Scenario, minutes: number): Promise<void> {
    const [{ time } = {}] = await sql`select clock_timestamp() - make_interval(mins => ${minutes}) as time`;
    const at = time as Date;
    if (s.row.state !== "destroyed") {
      await sql`update vmstate.instance set time_state_updated = ${at}, state_generation = state_generation + 1
        where id = ${s.instanceId}`;
    }
    await sql`update vmstate.vmm set time_state_updated = ${at}, state_generation = state_generation + 1,
        time_reported = case when time_reported is not null then ${at}::timestamptz end
      where instance_id = ${s.instanceId}`;
    await sql`update vmstate.migration set time_source_updated = ${at}, source_generation = source_generation + 1,
      time_destination_updated = ${at}, destination_generation = destination_generation + 1,
      time_reported = case when time_reported is not null then ${at}::timestamptz end
      where instance_id = ${s.instanceId}`;
  }
});

describe("invariant_violation", () => {
  test("is empty before and after the update of every PLANS case", async () => {
    for (const { reach } of PLANS) {
      const s = await reach(sql);
      expect(await invariantViolations(sql)).toEqual([]);
      await update(sql, s);
      expect(await invariantViolations(sql)).toEqual([]);
    }
  });

  test("is empty when a migration completes although its source's start was unwound", async () => {
    const s = await migrating(sql);
    await applied(unwindStart(sql, s.start));
    await say(sql, s, "destination", "running", "completed");
    const violations = await of(s, invariantViolations(sql));
    await update(sql, s);
    expect(violations).toEqual([]);
  });

  type Breach = (tx: postgres.TransactionSql, s: Scenario) => Promise<unknown>;
  const breaches: [string, keyof Scenario, Breach][] = [
    [
      "active_vmm_is_its_own",
      "instanceId",
      (tx, s) => tx`update vmstate.instance set active_propolis_id = id where id = ${s.instanceId}`,
    ],
    [
      "destination_vmm_is_its_own",
      "instanceId",
      (tx, s) => tx`update vmstate.instance set destination_propolis_id = id where id = ${s.instanceId}`,
    ],
    [
      "migration_is_its_own",
      "destinationId",
      (tx, s) => tx`update vmstate.instance set migration_id = id where id = ${s.instanceId}`,
    ],
    [
      "vmm_has_an_instance",
      "propolisId",
      (tx, s) => tx`delete from vmstate.instance where id = ${s.instanceId}`,
    ],
    [
      "migration_has_its_vmms",
      "destinationId",
      (tx, s) => tx`delete from vmstate.vmm where id = ${s.propolisId}`,
    ],
    [
      "time_unlinked_iff_unlinked",
      "propolisId",
      (tx, s) => tx`update vmstate.vmm set time_unlinked = now() where id = ${s.propolisId}`,
    ],
    [
      "linked_vmm_is_not_deleted",
      "propolisId",
      (tx, s) => tx`update vmstate.vmm set time_deleted = now() where id = ${s.propolisId}`,
    ],
    [
      "deleted_vmm_is_dead",
      "propolisId",
      (tx, s) => tx`update vmstate.vmm set time_deleted = now() where id = ${s.propolisId}`,
    ],
    [
      "linked_migration_is_not_deleted",
      "destinationId",
      (tx, s) => tx`update vmstate.migration set time_deleted = now() where id = ${s.migrationId}`,
    ],
    [
      "unwound_migration_failed",
      "destinationId",
      (tx, s) => tx`update vmstate.vmm set state = 'saga_unwound' where id = ${s.destinationId}`,
    ],
    [
      "migration_changes_the_sled",
      "destinationId",
      (tx, s) => tx`update vmstate.vmm set sled_id = ${s.start.sledId} where id = ${s.destinationId}`,
    ],
  ];
  test.each(breaches)(
    "finds %s violated by a write with the guards disabled",
    async (invariant, propolisId, breach) => {
      const s = await migrating(sql);
      const found = await unguarded(async (tx) => {
        await breach(tx, s);
        return await invariantViolations(tx);
      });
      expect(found).toContainEqual({
        instanceId: s.instanceId,
        propolisId: s[propolisId],
        invariant,
        detail: expect.any(String) as unknown,
      });
    },
  );

  /** In a transaction without triggers and foreign keys, which is rolled back. */
  async function unguarded<T>(act: (tx: postgres.TransactionSql) => Promise<T>): Promise<T> {
    const client = db.connect({ max: 1 });
    const results: T[] = [];
    await client
      .begin(async (tx) => {
        await tx`set local session_replication_role = replica`;
        results.push(await act(tx));
        throw new Error("rolled back");
      })
      .catch((error: unknown) => {
        if (!(error instanceof Error && error.message === "rolled back")) throw error;
      });
    await client.end();
    return results[0] as T;
  }
});

test("no column of an API view has a type with the label saga_unwound", async () => {
  const columns = await sql`
    select a.attrelid::regclass::text as view, t.typname, array_agg(e.enumlabel::text) as labels
    from pg_attribute as a
    join pg_type as t on t.oid = a.atttypid
    join pg_enum as e on e.enumtypid = t.oid
    where a.attrelid in ('vmstate.api_instance'::regclass, 'vmstate.api_vmm'::regclass)
    group by 1, 2`;
  expect(columns.length).toBeGreaterThanOrEqual(2);
  for (const { labels } of columns) expect(labels).not.toContain("saga_unwound");
});

test("work lists treat fail_vmm like a report of failed", async () => {
  const s = await running(sql);
  await applied(failVmm(sql, { ...s, reason: "no_such_vmm" }));
  expect(await of(s, pendingUpdates(sql))).toHaveLength(1);
  expect(await of(s, watchedVmms(sql))).toEqual([]);
  await update(sql, s);
  expect(await of(s, abandonedVmms(sql))).toHaveLength(1);
  expect(await of(s, restartableInstances(sql))).toHaveLength(1);
});
