import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  beginMigration,
  beginStart,
  beginUpdate,
  commitUpdate,
  createInstance,
  deleteInstance,
  deleteVmm,
  explainUpdate,
  failSled,
  failVmm,
  invariantViolations,
  reportVmm,
  reportVmms,
  requestReboot,
  requestStop,
  runUpdate,
  unlockUpdate,
  unwindMigration,
  unwindStart,
  type BeginMigrationArguments,
  type CommitUpdateArguments,
  type ReportedVmmState,
  type ReportVmmArguments,
  type SqlClient,
} from "../../src/index.js";
import { createDatabase, type TestDatabase } from "../harness/database.js";
import { untilWaiting } from "../harness/waiting.js";
import {
  anotherMigration,
  anotherStart,
  applied,
  expireLease,
  instance,
  migrating,
  migration,
  running,
  say,
  saying,
  type Scenario,
  starting,
  stopped,
  unknown,
  unwound,
  update,
  vmm,
} from "./scenario.js";

let db: TestDatabase;
beforeAll(async () => {
  db = await createDatabase();
});
afterAll(async () => {
  expect(await invariantViolations(db.sql)).toEqual([]);
  await db.drop();
});

type Table = "instance" | "vmm" | "migration";
type Act<A> = (sql: SqlClient) => Promise<A>;

/** What a session waits for: a lock on a row of this table, or (null) the fate of somebody's unique key. */
async function waitsFor(pid: number): Promise<Table | null> {
  await untilWaiting(db.sql, pid);
  const [lock] = await db.sql<{ table: Table }[]>`
    select relname as table from pg_locks join pg_class as c on c.oid = relation where pid = ${pid} and locktype = 'tuple'`;
  return lock?.table ?? null;
}

async function session(): Promise<{ sql: postgres.ReservedSql; pid: number } & AsyncDisposable> {
  const sql = await db.sql.reserve();
  const [{ pid }] = await sql<[{ pid: number }]>`select pg_backend_pid() as pid`;
  const dispose = async (): Promise<void> => {
    // in case that a test failed on the way
    await sql`rollback`;
    sql.release();
  };
  return { sql, pid, [Symbol.asyncDispose]: dispose };
}

interface Race<A, B> {
  first: A;
  second: B;
  /** The table in which `second` waited for a row. */
  waited: Table | null;
}

/** `first` acts in a transaction and keeps its locks; `second` must run into one of them; then `first` ends. */
async function race<A, B>(
  first: Act<A>,
  second: Act<B>,
  end: "commit" | "rollback" = "commit",
): Promise<Race<A, B>> {
  await using one = await session();
  await using two = await session();
  await one.sql`begin`;
  const answer = await first(one.sql);
  const [later, waited] = await Promise.all([
    second(two.sql),
    waitsFor(two.pid).finally(() => one.sql.unsafe(end)),
  ]);
  return { first: answer, second: later, waited };
}

/** `second` must not have to wait for `first`, whose transaction is open and is committed after it. */
async function overtake<A, B>(first: Act<A>, second: Act<B>): Promise<{ first: A; second: B }> {
  await using one = await session();
  await using two = await session();
  await one.sql`begin`;
  const answer = await first(one.sql);
  await two.sql`set lock_timeout = '5s'`;
  const earlier = await second(two.sql).finally(() => two.sql`reset lock_timeout`);
  await one.sql`commit`;
  return { first: answer, second: earlier };
}

const report = (
  { instanceId }: Scenario,
  propolisId: string,
  state: ReportedVmmState,
  generation: number,
): ReportVmmArguments => ({ instanceId, propolisId, state, generation, time: new Date() });

const reporting =
  (s: Scenario, state: ReportedVmmState, generation: number, propolisId = s.propolisId) =>
  (sql: SqlClient) =>
    reportVmm(sql, report(s, propolisId, state, generation));

/** The side of the migration that the destination (or the source) reports, with its VMM running. */
const completing = (s: Scenario, side: "in" | "out") => (sql: SqlClient) =>
  reportVmm(sql, {
    ...report(s, side === "in" ? s.destinationId : s.propolisId, "running", 9),
    ...(side === "in"
      ? {
          migrationInId: s.migrationId,
          migrationInState: "completed",
          migrationInGeneration: 9,
          migrationInTime: new Date(),
        }
      : {
          migrationOutId: s.migrationId,
          migrationOutState: "completed",
          migrationOutGeneration: 9,
          migrationOutTime: new Date(),
        }),
  });

const failing =
  ({ instanceId, propolisId }: Scenario, expectedGeneration?: number) =>
  (sql: SqlClient) =>
    failVmm(sql, { instanceId, propolisId, reason: "operator", expectedGeneration });

/** Takes the updater lock; the returned act commits its plan. */
async function updating(s: Scenario): Promise<(sql: SqlClient) => ReturnType<typeof commitUpdate>> {
  const sagaId = randomUUID();
  const { updaterGeneration, planToken } = await applied(
    beginUpdate(db.sql, { instanceId: s.instanceId, sagaId, lease: "1 hour" }),
  );
  return (sql) => commitUpdate(sql, { instanceId: s.instanceId, sagaId, updaterGeneration, planToken });
}

/** A running source; a migration whose destination reported that it failed, so that the plan is to clear its ids. */
async function failedMigration(): Promise<Scenario> {
  const s = await migrating(db.sql);
  await say(db.sql, s, "destination", "running", "failed");
  return s;
}

describe("begin_start holds the instance, and", () => {
  it("another begin_start waits for it and is told already_started", async () => {
    const s = await stopped(db.sql);
    const other = anotherStart(s);
    expect(
      await race(
        (sql) => beginStart(sql, s.start),
        (sql) => beginStart(sql, other),
      ),
    ).toMatchObject({
      first: { outcome: "applied" },
      second: { outcome: "conflict", reason: "already_started", activePropolisId: s.propolisId },
      waited: "instance",
    });
    expect(await vmm(db.sql, other.propolisId)).toEqual({});
  });

  it("its own replay waits for it and is unchanged", async () => {
    const s = await stopped(db.sql);
    const start: Act<unknown> = (sql) => beginStart(sql, s.start);
    expect(await race(start, start)).toMatchObject({
      first: { outcome: "applied" },
      second: { outcome: "unchanged", activePropolisId: s.propolisId },
      waited: "instance",
    });
  });

  it("applies for the one that waited if the first one rolls back", async () => {
    const s = await stopped(db.sql);
    const other = anotherStart(s);
    expect(
      await race(
        (sql) => beginStart(sql, s.start),
        (sql) => beginStart(sql, other),
        "rollback",
      ),
    ).toMatchObject({
      second: { outcome: "applied", activePropolisId: other.propolisId },
      waited: "instance",
    });
  });

  it("locks the unwound VMM that it replaces: a second unwind_start of that waits and is unchanged", async () => {
    const s = await unwound(db.sql);
    const other = anotherStart(s);
    expect(
      await race(
        (sql) => beginStart(sql, other),
        (sql) => unwindStart(sql, s.start),
      ),
    ).toMatchObject({
      first: { outcome: "applied", replacedPropolisId: s.propolisId },
      second: { outcome: "unchanged", state: "saga_unwound" },
      waited: "vmm",
    });
    expect(await instance(db.sql, s)).toMatchObject({ active_propolis_id: other.propolisId });
  });

  it("nobody sees its VMM before it commits: unwind_start of it is not_found at once", async () => {
    const s = await stopped(db.sql);
    expect(
      await overtake(
        (sql) => beginStart(sql, s.start),
        (sql) => unwindStart(sql, s.start),
      ),
    ).toMatchObject({ first: { outcome: "applied" }, second: { outcome: "not_found" } });
  });

  it("a VMM id that it inserts is taken for a start of another instance, which waits for its fate", async () => {
    const s = await stopped(db.sql);
    const other = await stopped(db.sql);
    const start = { ...other.start, propolisId: s.propolisId };
    expect(
      await race(
        (sql) => beginStart(sql, s.start),
        (sql) => beginStart(sql, start),
      ),
    ).toMatchObject({
      second: { outcome: "conflict", reason: "propolis_id_taken", state: "no_vmm" },
      waited: null,
    });
  });

  it("a VMM id that it inserts is free again if it rolls back", async () => {
    const s = await stopped(db.sql);
    const other = await stopped(db.sql);
    const start = { ...other.start, propolisId: s.propolisId };
    expect(
      await race(
        (sql) => beginStart(sql, s.start),
        (sql) => beginStart(sql, start),
        "rollback",
      ),
    ).toMatchObject({ second: { outcome: "applied", activePropolisId: s.propolisId }, waited: null });
  });
});

describe("unwind_start holds its VMM and no instance, and", () => {
  it("begin_start does not wait for it: until it commits, the instance is already_started", async () => {
    const s = await starting(db.sql);
    const other = anotherStart(s);
    expect(
      await overtake(
        (sql) => unwindStart(sql, s.start),
        (sql) => beginStart(sql, other),
      ),
    ).toMatchObject({
      first: { outcome: "applied" },
      second: { outcome: "conflict", reason: "already_started" },
    });
    await applied(beginStart(db.sql, other));
  });

  it("a report waits for it and is terminal, however new", async () => {
    const s = await starting(db.sql);
    expect(await race((sql) => unwindStart(sql, s.start), reporting(s, "destroyed", 99))).toEqual({
      first: { outcome: "applied", reason: null, state: "saga_unwound", stateGeneration: 2 },
      second: {
        vmmOutcome: "terminal",
        migrationInOutcome: null,
        migrationOutOutcome: null,
        updateNeeded: false,
        state: "saga_unwound",
        stateGeneration: 2,
      },
      waited: "vmm",
    });
  });

  it("begin_migration from that VMM waits for it and is not_running", async () => {
    const s = await running(db.sql);
    expect(
      await race(
        (sql) => unwindStart(sql, s.start),
        (sql) => beginMigration(sql, s.migration),
      ),
    ).toMatchObject({
      first: { outcome: "applied" },
      second: { outcome: "conflict", reason: "not_running", apiState: "stopped" },
      waited: "vmm",
    });
    expect(await vmm(db.sql, s.destinationId)).toEqual({});
  });

  it("commit_update of a plan that unlinks its failed VMM waits for it, still applies, and the instance never fails", async () => {
    const s = await saying(db.sql, "failed");
    const commit = await updating(s);
    expect(await race((sql) => unwindStart(sql, s.start), commit)).toMatchObject({
      first: { outcome: "applied", state: "saga_unwound" },
      second: { outcome: "applied", state: "no_vmm", apiState: "stopped" },
      waited: "vmm",
    });
  });

  it("commit_update of a plan that keeps its live VMM waits for it and is plan_changed", async () => {
    const s = await failedMigration();
    const commit = await updating(s);
    const before = await instance(db.sql, s);
    expect(await race((sql) => unwindStart(sql, s.start), commit)).toMatchObject({
      second: { outcome: "conflict", reason: "plan_changed" },
      waited: "vmm",
    });
    expect(await instance(db.sql, s)).toEqual(before);
  });
});

describe("begin_migration holds the instance and the source, and", () => {
  it("unwind_start of the source waits for it and applies: the instance shows stopped", async () => {
    const s = await running(db.sql);
    expect(
      await race(
        (sql) => beginMigration(sql, s.migration),
        (sql) => unwindStart(sql, s.start),
      ),
    ).toMatchObject({
      first: { outcome: "applied", apiState: "migrating" },
      second: { outcome: "applied" },
      waited: "vmm",
    });
    const [row] = await db.sql`select state from vmstate.api_instance where id = ${s.instanceId}`;
    expect(row).toEqual({ state: "stopped" });
  });

  it("another begin_migration waits for it and is told migration_in_progress", async () => {
    const s = await running(db.sql);
    expect(
      await race(
        (sql) => beginMigration(sql, s.migration),
        (sql) => beginMigration(sql, anotherMigration(s)),
      ),
    ).toMatchObject({ second: { outcome: "conflict", reason: "migration_in_progress" }, waited: "instance" });
  });

  it("a migration id that it inserts is taken for one of another instance, which keeps nothing", async () => {
    const s = await running(db.sql);
    const other = await running(db.sql);
    expect(
      await race(
        (sql) => beginMigration(sql, s.migration),
        (sql) => beginMigration(sql, { ...other.migration, migrationId: s.migrationId }),
      ),
    ).toMatchObject({
      second: { outcome: "conflict", reason: "migration_id_taken", destinationPropolisId: null },
      waited: null,
    });
    expect(await vmm(db.sql, other.destinationId)).toEqual({});
  });

  it("a VMM id that it inserts is taken for a migration of another instance", async () => {
    const s = await running(db.sql);
    const other = await running(db.sql);
    expect(
      await race(
        (sql) => beginMigration(sql, s.migration),
        (sql) => beginMigration(sql, { ...other.migration, destinationPropolisId: s.destinationId }),
      ),
    ).toMatchObject({ second: { outcome: "conflict", reason: "propolis_id_taken" }, waited: null });
  });
});

describe("unwind_migration holds the destination, then the migration, and", () => {
  it("the report that completes it waits for it: both parts are terminal", async () => {
    const s = await migrating(db.sql);
    expect(await race((sql) => unwindMigration(sql, s.migration), completing(s, "in"))).toMatchObject({
      first: { outcome: "applied", state: "saga_unwound" },
      second: {
        vmmOutcome: "terminal",
        migrationInOutcome: "terminal",
        updateNeeded: false,
        state: "saga_unwound",
      },
      waited: "vmm",
    });
  });

  it("the source's report that completes it waits for the migration: its own part applies, the side is terminal", async () => {
    const s = await migrating(db.sql);
    expect(await race((sql) => unwindMigration(sql, s.migration), completing(s, "out"))).toMatchObject({
      second: { vmmOutcome: "applied", migrationOutOutcome: "terminal", updateNeeded: false },
      waited: "migration",
    });
  });

  it.each([
    ["the destination", "in", "vmm"],
    ["the source", "out", "migration"],
  ] as const)("waits for %s's report that completes it and is told handed_over", async (_, side, waited) => {
    const s = await migrating(db.sql);
    expect(await race(completing(s, side), (sql) => unwindMigration(sql, s.migration))).toMatchObject({
      first: { vmmOutcome: "applied", updateNeeded: true },
      second: { outcome: "conflict", reason: "handed_over" },
      waited,
    });
  });
});

describe("report_vmm holds its VMM and no instance, and", () => {
  it.each([
    ["an older one is stale", "running", 5, 4, { vmmOutcome: "stale", state: "running", stateGeneration: 5 }],
    ["its replay is stale", "running", 5, 5, { vmmOutcome: "stale", state: "running", stateGeneration: 5 }],
    [
      "a newer one applies",
      "running",
      5,
      6,
      { vmmOutcome: "applied", state: "stopping", stateGeneration: 6 },
    ],
    [
      "an older one of a dead VMM is terminal",
      "destroyed",
      5,
      4,
      { vmmOutcome: "terminal", stateGeneration: 5 },
    ],
    ["a newer one of a dead VMM is terminal", "failed", 5, 6, { vmmOutcome: "terminal", stateGeneration: 5 }],
  ] as const)("of two reports that wait for it, %s", async (_, state, first, second, expected) => {
    const s = await starting(db.sql);
    expect(await race(reporting(s, state, first), reporting(s, "stopping", second))).toMatchObject({
      first: { vmmOutcome: "applied" },
      second: expected,
      waited: "vmm",
    });
  });

  it("unwind_start waits for it and unwinds from the reported generation", async () => {
    const s = await starting(db.sql);
    expect(await race(reporting(s, "running", 7), (sql) => unwindStart(sql, s.start))).toMatchObject({
      second: { outcome: "applied", state: "saga_unwound", stateGeneration: 8 },
      waited: "vmm",
    });
  });

  it.each([
    [
      "fails it from the reported generation",
      "running",
      undefined,
      { outcome: "applied", stateGeneration: 8 },
    ],
    [
      "is stale_generation when it expected the old one",
      "running",
      2,
      { outcome: "conflict", reason: "stale_generation", state: "running", stateGeneration: 7 },
    ],
    ["is terminal when it reported the end", "destroyed", 2, { outcome: "terminal", state: "destroyed" }],
  ] as const)("fail_vmm waits for it and %s", async (_, state, expected, second) => {
    const s = await running(db.sql);
    expect(await race(reporting(s, state, 7), failing(s, expected))).toMatchObject({ second, waited: "vmm" });
  });

  it("waits for fail_vmm and is terminal", async () => {
    const s = await running(db.sql);
    expect(await race(failing(s), reporting(s, "running", 7))).toMatchObject({
      first: { outcome: "applied", updateNeeded: true },
      second: { vmmOutcome: "terminal", updateNeeded: false, state: "failed", stateGeneration: 3 },
      waited: "vmm",
    });
  });

  it.each([
    ["the active VMM ends", "propolisId"],
    ["the VMM to terminate ends", "destinationId"],
  ] as const)(
    "commit_update waits for it; when %s meanwhile it is plan_changed and writes nothing",
    async (_, who) => {
      const s = await failedMigration();
      const commit = await updating(s);
      const before = await instance(db.sql, s);
      expect(await race(reporting(s, "destroyed", 9, s[who]), commit)).toMatchObject({
        first: { vmmOutcome: "applied", updateNeeded: true },
        second: { outcome: "conflict", reason: "plan_changed" },
        waited: "vmm",
      });
      expect(await instance(db.sql, s)).toEqual(before);
    },
  );
});

describe("delete_vmm holds its VMM, then its migrations, and", () => {
  it("a report does not wait for it, as it writes nothing, and is terminal", async () => {
    const s = await saying(db.sql, "destroyed");
    await update(db.sql, s);
    expect(await overtake((sql) => deleteVmm(sql, s), reporting(s, "running", 9))).toMatchObject({
      first: { outcome: "applied" },
      second: { vmmOutcome: "terminal", state: "destroyed" },
    });
  });

  it("waits for a late report of a migration of its VMM, and applies to both", async () => {
    const s = await migrating(db.sql);
    await applied(unwindMigration(db.sql, s.migration));
    await update(db.sql, s);
    const { instanceId, destinationId: propolisId } = s;
    expect(
      await race(completing(s, "in"), (sql) => deleteVmm(sql, { instanceId, propolisId })),
    ).toMatchObject({
      first: { vmmOutcome: "terminal", migrationInOutcome: "terminal" },
      second: { outcome: "applied" },
      waited: "migration",
    });
    expect(await migration(db.sql, s.migrationId)).toMatchObject({
      time_deleted: expect.any(String) as string,
    });
  });

  it("a batch waits for it, as it locks before it judges, and is gone", async () => {
    const s = await saying(db.sql, "destroyed");
    await update(db.sql, s);
    expect(
      await race(
        (sql) => deleteVmm(sql, s),
        (sql) => reportVmms(sql, [report(s, s.propolisId, "running", 9)]),
      ),
    ).toMatchObject({ first: { outcome: "applied" }, second: [{ vmmOutcome: "gone" }], waited: "vmm" });
  });

  it("a second delete_vmm waits for it and is unchanged", async () => {
    const s = await saying(db.sql, "destroyed");
    await update(db.sql, s);
    const act: Act<unknown> = (sql) => deleteVmm(sql, s);
    expect(await race(act, act)).toMatchObject({ second: { outcome: "unchanged" }, waited: "vmm" });
  });
});

describe("commit_update holds the instance and all that it links, and", () => {
  it("its replay waits for it and is unchanged", async () => {
    const s = await saying(db.sql, "failed");
    const commit = await updating(s);
    expect(await race(commit, commit)).toMatchObject({
      first: { outcome: "applied", state: "failed", stateGeneration: 4 },
      second: { outcome: "unchanged", state: "failed", stateGeneration: 4 },
      waited: "instance",
    });
  });

  it("a report waits for it and then concerns what is linked by then", async () => {
    const s = await failedMigration();
    const commit = await updating(s);
    expect(await race(commit, reporting(s, "destroyed", 9, s.destinationId))).toMatchObject({
      first: { outcome: "applied", destinationPropolisId: null },
      second: { vmmOutcome: "applied", updateNeeded: false },
      waited: "vmm",
    });
  });

  it("unwind_start of the dead VMM that it unlinks waits for it and is unchanged", async () => {
    const s = await saying(db.sql, "failed");
    const commit = await updating(s);
    expect(await race(commit, (sql) => unwindStart(sql, s.start))).toMatchObject({
      first: { outcome: "applied", state: "failed" },
      second: { outcome: "unchanged", state: "failed" },
      waited: "vmm",
    });
  });

  it("waits for request_stop, whose intent it does not overwrite", async () => {
    const s = await saying(db.sql, "destroyed");
    const commit = await updating(s);
    expect(await race((sql) => requestStop(sql, s), commit)).toMatchObject({
      first: { outcome: "applied" },
      second: { outcome: "applied", state: "no_vmm" },
      waited: "instance",
    });
    expect(await instance(db.sql, s)).toMatchObject({ intended_state: "stopped" });
  });

  it("request_stop waits for it and has the last word", async () => {
    const s = await saying(db.sql, "destroyed");
    const commit = await updating(s);
    expect(await race(commit, (sql) => requestStop(sql, s))).toMatchObject({
      first: { outcome: "applied" },
      second: { outcome: "applied", state: "no_vmm", commandPropolisIds: [] },
      waited: "instance",
    });
    expect(await instance(db.sql, s)).toMatchObject({ intended_state: "stopped" });
  });

  it("waits for begin_start, which replaced the VMM of its plan, and is stale_generation", async () => {
    const s = await unwound(db.sql);
    const commit = await updating(s);
    expect(await race((sql) => beginStart(sql, anotherStart(s)), commit)).toMatchObject({
      first: { outcome: "applied" },
      second: { outcome: "conflict", reason: "stale_generation" },
      waited: "instance",
    });
  });

  it("waits for delete_instance and is gone", async () => {
    const s = await unwound(db.sql);
    const commit = await updating(s);
    expect(await race((sql) => deleteInstance(sql, s), commit)).toMatchObject({
      first: { outcome: "applied" },
      second: { outcome: "gone", state: "destroyed" },
      waited: "instance",
    });
  });

  it("delete_instance waits for it and applies", async () => {
    const s = await unwound(db.sql);
    const commit = await updating(s);
    expect(await race(commit, (sql) => deleteInstance(sql, s))).toMatchObject({
      first: { outcome: "applied", state: "no_vmm" },
      second: { outcome: "applied", state: "destroyed" },
      waited: "instance",
    });
  });
});

describe("begin_update holds the instance, and", () => {
  const beginning = ({ instanceId }: Scenario): Act<unknown> => {
    const sagaId = randomUUID();
    return (sql) => beginUpdate(sql, { instanceId, sagaId, lease: "1 hour" });
  };

  it("that of another saga waits for it and is told locked", async () => {
    const s = await saying(db.sql, "failed");
    expect(await race(beginning(s), beginning(s))).toMatchObject({
      first: { outcome: "applied", updaterGeneration: 2 },
      second: { outcome: "conflict", reason: "locked", updaterGeneration: 2 },
      waited: "instance",
    });
  });

  it("the late commit of a holder whose lease it took over waits for it and is lock_lost", async () => {
    const s = await saying(db.sql, "failed");
    const commit = await updating(s);
    await expireLease(db.sql, s);
    expect(await race(beginning(s), commit)).toMatchObject({
      first: { outcome: "applied", updaterGeneration: 3 },
      second: { outcome: "conflict", reason: "lock_lost", activePropolisId: s.propolisId },
      waited: "instance",
    });
  });

  it("waits for the late commit of a holder that is first, and has nothing to do", async () => {
    const s = await saying(db.sql, "failed");
    const commit = await updating(s);
    await expireLease(db.sql, s);
    expect(await race(commit, beginning(s))).toMatchObject({
      first: { outcome: "applied" },
      second: { outcome: "unchanged", state: "failed", updaterLeaseUntil: null },
      waited: "instance",
    });
  });
});

describe("create_instance has inserted its keys, and", () => {
  const ids = (): [string, string] => [randomUUID(), randomUUID()];
  const creating = (id: string, projectId: string): Act<unknown> => {
    return (sql) => createInstance(sql, { id, projectId, name: "web", intendedState: "running" });
  };

  it.each([
    [
      "the same name in the project is name_taken",
      "other",
      "same",
      { outcome: "conflict", reason: "name_taken" },
    ],
    ["the same id in the project is unchanged", "same", "same", { outcome: "unchanged", state: "creating" }],
    [
      "the same id in another project is instance_id_taken",
      "same",
      "other",
      { outcome: "conflict", reason: "instance_id_taken", instanceId: null },
    ],
  ] as const)("who waits for its fate is told so: %s", async (_, id, project, second) => {
    const [firstId, firstProject] = ids();
    const [otherId, otherProject] = ids();
    expect(
      await race(
        creating(firstId, firstProject),
        creating(id === "same" ? firstId : otherId, project === "same" ? firstProject : otherProject),
      ),
    ).toMatchObject({ first: { outcome: "applied" }, second, waited: null });
  });

  it("the name is free if it rolls back", async () => {
    const [id, projectId] = ids();
    expect(await race(creating(id, projectId), creating(randomUUID(), projectId), "rollback")).toMatchObject({
      second: { outcome: "applied" },
      waited: null,
    });
  });
});

describe("many rows are locked in the order of their ids:", () => {
  /** Holds one row while all acts come to wait, releases it, and returns their answers: a deadlock would reject. */
  async function whileHeld(table: Table, id: string, acts: Act<unknown>[]): Promise<unknown[]> {
    await using holder = await session();
    await holder.sql`begin`;
    await holder.sql`select from ${db.sql(`vmstate.${table}`)} where id = ${id} for no key update`;
    const answers: Promise<unknown>[] = [];
    for (const act of acts) {
      const waiter = await session();
      const answer = act(waiter.sql).finally(() => waiter[Symbol.asyncDispose]());
      answers.push(answer);
      // awaited only below
      answer.catch(() => undefined);
      await untilWaiting(db.sql, waiter.pid);
    }
    await holder.sql`commit`;
    return await Promise.all(answers);
  }

  it.each(["first", "last"])(
    "two batches over the same VMMs in opposite orders, the %s VMM held",
    async (which) => {
      const all = [await running(db.sql), await running(db.sql), await running(db.sql)];
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
    "two batches over the same migrations in opposite orders, the %s one held",
    async (which) => {
      const all = [await migrating(db.sql), await migrating(db.sql), await migrating(db.sql)];
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
    "fail_sled, two batches, commit_update and unwind_start, which all need the %s VMM",
    async (which) => {
      const sledId = randomUUID();
      const ids = Array.from({ length: 4 }, (_, n) => `${n}${randomUUID().slice(1)}`);
      if (which === "last") ids.reverse();
      const all = await Promise.all([0, 1, 2].map(() => stopped(db.sql)));
      for (const [n, s] of all.entries()) {
        s.propolisId = String(ids[n]);
        Object.assign(s.start, { propolisId: s.propolisId, sledId });
        await applied(beginStart(db.sql, s.start));
        await say(db.sql, s, "active", "running");
      }
      const [s] = all as [Scenario];
      s.destinationId = String(ids[3]);
      Object.assign(s.migration, { sourcePropolisId: s.propolisId, destinationPropolisId: s.destinationId });
      await applied(beginMigration(db.sql, s.migration));
      await say(db.sql, s, "destination", "running", "failed");
      const commit = await updating(s);

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
    const s = await migrating(db.sql);
    await applied(unwindMigration(db.sql, s.migration));
    // the linked migration is the last by id
    const second = { ...anotherMigration(s), migrationId: "ffffffff-ffff-4fff-bfff-ffffffffffff" };
    await applied(beginMigration(db.sql, second));
    await applied(unwindStart(db.sql, s.start));
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

describe.each(["repeatable read", "serializable"])(
  "a %s caller gets 40001 when somebody changed since its snapshot",
  (isolation) => {
    /** `act` in a transaction whose snapshot is from before `change`. */
    async function afterwards(change: () => Promise<unknown>, act: Act<unknown>): Promise<unknown> {
      await using caller = await session();
      await caller.sql.unsafe(`begin isolation level ${isolation}`);
      await caller.sql`select from vmstate.instance limit 1`;
      await change();
      const answer = await act(caller.sql).catch((error: unknown) => error);
      await caller.sql`rollback`;
      return answer;
    }

    const another = { sagaId: randomUUID(), lease: "1 hour" };
    const sagaId = randomUUID();

    it.each<
      [string, () => Promise<Scenario>, (s: Scenario) => Promise<unknown>, (s: Scenario) => Act<unknown>]
    >([
      [
        "the instance: begin_start",
        () => stopped(db.sql),
        (s) => applied(beginStart(db.sql, anotherStart(s))),
        (s) => (sql) => beginStart(sql, s.start),
      ],
      [
        "the VMM id: begin_start",
        () => stopped(db.sql),
        async (s) =>
          applied(beginStart(db.sql, { ...(await stopped(db.sql)).start, propolisId: s.propolisId })),
        (s) => (sql) => beginStart(sql, s.start),
      ],
      [
        "the VMM: unwind_start",
        () => starting(db.sql),
        (s) => say(db.sql, s, "active", "running"),
        (s) => (sql) => unwindStart(sql, s.start),
      ],
      [
        "the migration of the VMM, which is handed over: unwind_start",
        () => running(db.sql),
        async (s) => {
          await applied(beginMigration(db.sql, s.migration));
          await say(db.sql, s, "destination", "running", "completed");
        },
        (s) => (sql) => unwindStart(sql, s.start),
      ],
      [
        "the source: begin_migration",
        () => running(db.sql),
        (s) => say(db.sql, s, "active", "stopping"),
        (s) => (sql) => beginMigration(sql, s.migration),
      ],
      [
        "the destination: unwind_migration",
        () => migrating(db.sql),
        (s) => say(db.sql, s, "destination", "running"),
        (s) => (sql) => unwindMigration(sql, s.migration),
      ],
      [
        "the source side: unwind_migration",
        () => migrating(db.sql),
        (s) => say(db.sql, s, "active", "running", "completed"),
        (s) => (sql) => unwindMigration(sql, s.migration),
      ],
      [
        "the VMM: report_vmm",
        () => running(db.sql),
        (s) => say(db.sql, s, "active", "running"),
        (s) => reporting(s, "stopping", 9),
      ],
      [
        "the VMM: report_vmms",
        () => running(db.sql),
        (s) => say(db.sql, s, "active", "running"),
        (s) => (sql) => reportVmms(sql, [report(s, s.propolisId, "stopping", 9)]),
      ],
      [
        "the VMM: fail_vmm",
        () => running(db.sql),
        (s) => say(db.sql, s, "active", "stopped"),
        (s) => failing(s),
      ],
      [
        "a VMM: fail_sled",
        () => running(db.sql),
        (s) => say(db.sql, s, "active", "stopped"),
        (s) => (sql) => failSled(sql, { sledId: s.start.sledId, reason: "sled_off" }),
      ],
      [
        "the lock: begin_update",
        () => saying(db.sql, "failed"),
        (s) => applied(beginUpdate(db.sql, { ...s, ...another })),
        (s) => (sql) => beginUpdate(sql, { ...s, sagaId, lease: 1 }),
      ],
      [
        "the VMM: run_update",
        () => failedMigration(),
        (s) => say(db.sql, s, "active", "destroyed"),
        (s) => (sql) => runUpdate(sql, { ...s, sagaId }),
      ],
      [
        "the VMM: delete_instance",
        () => starting(db.sql),
        (s) => applied(unwindStart(db.sql, s.start)),
        (s) => (sql) => deleteInstance(sql, s),
      ],
      [
        "the intent: request_stop",
        () => running(db.sql),
        (s) => applied(requestStop(db.sql, s)),
        (s) => (sql) => requestStop(sql, s),
      ],
      [
        "the VMM: delete_vmm",
        () => saying(db.sql, "destroyed"),
        (s) => update(db.sql, s),
        (s) => (sql) => deleteVmm(sql, s),
      ],
      [
        "the name: create_instance",
        () => Promise.resolve(unknown()),
        (s) => applied(createInstance(db.sql, s.create)),
        (s) => (sql) => createInstance(sql, { ...s.create, id: randomUUID() }),
      ],
    ])("%s", async (_, scenario, change, act) => {
      const s = await scenario();
      expect(await afterwards(() => change(s), act(s))).toMatchObject({ code: "40001" });
    });

    it("the plan: commit_update", async () => {
      const s = await failedMigration();
      const commit = await updating(s);
      expect(await afterwards(() => say(db.sql, s, "active", "destroyed"), commit)).toMatchObject({
        code: "40001",
      });
    });
  },
);

describe("eight sessions that do anything to three instances", () => {
  const SESSIONS = 8;
  const ACTS_PER_SESSION = 400;
  const STATES: ReportedVmmState[] = [
    ...Array.from({ length: 8 }, () => "running" as const),
    "starting",
    "stopping",
    "stopped",
    "rebooting",
    "migrating",
    "failed",
    "destroyed",
  ];

  it("never deadlock, get only answers, and break no invariant", async () => {
    const seed = Number(process.env["STRESS_SEED"] ?? Math.trunc(Math.random() * 2 ** 32));
    const instances = await Promise.all([0, 1, 2].map(() => running(db.sql)));
    const sleds = instances.map(({ start }) => start.sledId);
    const starts = instances.map(({ start }) => start);
    const migrations: BeginMigrationArguments[] = [];
    const updates: CommitUpdateArguments[] = [];
    const tally = new Map<string, number>();
    let clock = 10;

    const act = async (sql: postgres.Sql, pick: <T>(of: readonly T[]) => T): Promise<void> => {
      const { instanceId, create } = pick(instances);
      const sagaId = randomUUID();
      const recent = <T>(list: readonly T[]): T[] => list.slice(-6);
      const anyVmm = pick([
        ...recent(starts),
        ...recent(migrations).map((m) => ({ ...m, propolisId: m.destinationPropolisId })),
      ]);
      const aReport = (): ReportVmmArguments => {
        const time = new Date();
        const state = pick(STATES);
        const plain = { ...anyVmm, state, generation: clock++, time };
        if (!("migrationId" in anyVmm)) return plain;
        const side = pick(["in_progress", "in_progress", "completed", "failed"] as const);
        return pick<ReportVmmArguments>([
          plain,
          {
            ...plain,
            migrationInId: anyVmm.migrationId,
            migrationInState: side,
            migrationInGeneration: clock++,
            migrationInTime: time,
          },
          {
            ...plain,
            propolisId: anyVmm.sourcePropolisId,
            migrationOutId: anyVmm.migrationId,
            migrationOutState: side,
            migrationOutGeneration: clock++,
            migrationOutTime: time,
          },
        ]);
      };
      const verbs = {
        beginStart: async () => {
          const start = {
            instanceId,
            sagaId,
            propolisId: randomUUID(),
            sledId: pick(sleds),
            propolisIp: "fd00::1",
          };
          const answer = await beginStart(sql, start);
          if (answer.outcome === "applied") starts.push(start);
          return answer;
        },
        unwindStart: () => unwindStart(sql, pick(recent(starts))),
        beginMigration: async () => {
          const { activePropolisId } = await explainUpdate(sql, { instanceId });
          const migration = {
            instanceId,
            sagaId,
            migrationId: randomUUID(),
            sourcePropolisId: activePropolisId ?? randomUUID(),
            destinationPropolisId: randomUUID(),
            sledId: pick(sleds),
            propolisIp: "fd00::2",
          };
          const answer = await beginMigration(sql, migration);
          if (answer.outcome === "applied") migrations.push(migration);
          return answer;
        },
        unwindMigration: () =>
          migrations.length > 0 ? unwindMigration(sql, pick(recent(migrations))) : undefined,
        reportVmm: () => reportVmm(sql, aReport()),
        reportVmms: () => reportVmms(sql, [aReport(), aReport(), aReport(), aReport()]),
        failVmm: () => failVmm(sql, { ...anyVmm, reason: "no_such_vmm" }),
        failSled: () => failSled(sql, { sledId: pick(sleds), reason: "sled_off" }),
        beginUpdate: async () => {
          const answer = await beginUpdate(sql, {
            instanceId,
            sagaId,
            lease: pick(["1 hour", "1 microsecond"]),
          });
          if (answer.outcome === "applied") updates.push({ ...answer, sagaId });
          return answer;
        },
        commitUpdate: () => (updates.length > 0 ? commitUpdate(sql, pick(recent(updates))) : undefined),
        unlockUpdate: () => (updates.length > 0 ? unlockUpdate(sql, pick(recent(updates))) : undefined),
        runUpdate: () => runUpdate(sql, { instanceId, sagaId }),
        requestStop: () => requestStop(sql, { instanceId }),
        requestReboot: () => requestReboot(sql, { instanceId }),
        deleteVmm: () => deleteVmm(sql, anyVmm),
        deleteInstance: async () => {
          const answer = await deleteInstance(sql, { instanceId });
          if (answer.outcome !== "applied") return answer;
          const next = await stopped(sql, { projectId: create.projectId });
          instances.splice(
            instances.findIndex((i) => i.instanceId === instanceId),
            1,
            next,
          );
          return answer;
        },
      };
      const rare = ["failSled", "failVmm", "deleteInstance"];
      const often = [
        "beginStart",
        "beginMigration",
        "unwindMigration",
        "reportVmm",
        "reportVmm",
        "runUpdate",
        "commitUpdate",
      ] as const;
      const names = Object.keys(verbs) as (keyof typeof verbs)[];
      const verb = pick([
        ...names,
        ...names.filter((name) => !rare.includes(name)),
        ...often,
        ...often,
        ...often,
      ]);
      const answer = await verbs[verb]();
      for (const a of [answer ?? []].flat()) count(`${verb} ${"outcome" in a ? a.outcome : a.vmmOutcome}`);
    };
    const count = (what: string): void => void tally.set(what, (tally.get(what) ?? 0) + 1);

    const client = db.connect({ max: SESSIONS });
    const sessions = Array.from({ length: SESSIONS }, async (_, n) => {
      const random = generator(seed + n);
      for (let i = 0; i < ACTS_PER_SESSION; i++)
        await act(client, (of) => of[Math.trunc(random() * of.length)] as (typeof of)[number]);
    });
    const errors = (await Promise.allSettled(sessions)).filter(({ status }) => status === "rejected");
    expect({ seed, errors, breaches: await invariantViolations(db.sql) }).toEqual({
      seed,
      errors: [],
      breaches: [],
    });

    const done = [
      "beginStart",
      "unwindStart",
      "beginMigration",
      "reportVmm",
      "reportVmms",
      "runUpdate",
      "failSled",
    ];
    expect(done.filter((verb) => !tally.has(`${verb} applied`))).toEqual([]);
  });

  /** Numbers from 0 to 1 that follow from the seed (mulberry32). */
  function generator(seed: number): () => number {
    let state = seed;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let z = Math.imul(state ^ (state >>> 15), 1 | state);
      z = (z + Math.imul(z ^ (z >>> 7), 61 | z)) ^ z;
      return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
    };
  }
});

describe("a link written by hand", () => {
  it("waits for the end of the VMM it names, and is refused", async () => {
    const s = await stopped(db.sql);
    const [row] = await db.sql<{ id: string }[]>`
      insert into vmstate.vmm (instance_id, id, sled_id, propolis_ip, saga_id)
        select ${s.instanceId}, id, id, 'fd00::9', id from gen_random_uuid() as id
        returning id`;
    const propolisId = String(row?.id);

    const { second, waited } = await race(
      (sql) => failVmm(sql, { instanceId: s.instanceId, propolisId, reason: "operator" }),
      (sql) =>
        sql`update vmstate.instance
          set state = 'vmm', state_generation = state_generation + 1, active_propolis_id = ${propolisId}
          where id = ${s.instanceId}`.catch((error: unknown) => error),
    );

    expect(waited).toBe("vmm");
    expect(second).toMatchObject({ code: "VM104" });
  });
});
