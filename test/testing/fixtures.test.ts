import { randomUUID } from "node:crypto";
import { drizzle } from "drizzle-orm/node-postgres";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { DataSource } from "typeorm";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import * as api from "../../src/index.js";
import * as testing from "../../src/testing/index.js";
import { instance, migration, vmm } from "../sql/scenario.js";
import { withDatabase } from "../support/database.js";

const db = withDatabase();

type Make = (sql: api.SqlClient, options?: testing.FixtureOptions) => Promise<testing.Fixture>;

interface Shown {
  make: Make;
  /** What the API shows; undefined: nothing, the instance is deleted. */
  api: api.ApiInstanceState | undefined;
  /** The state of the row, the state of each VMM if there is one, and the two sides of the migration. */
  row: api.InstanceState;
  vmm?: api.VmmState;
  destination?: api.VmmState;
  sides?: [api.MigrationState, api.MigrationState];
  /** The lists that name the instance. */
  lists?: string[];
}

const NOT_LINKED = { active_propolis_id: null, destination_propolis_id: null, migration_id: null };

const SHOWN: Record<string, Shown> = {
  creating: { make: testing.creating, api: "creating", row: "creating" },
  stopped: { make: testing.stopped, api: "stopped", row: "no_vmm", lists: ["restartable"] },
  starting: { make: testing.starting, api: "starting", row: "vmm", vmm: "creating" },
  running: { make: testing.running, api: "running", row: "vmm", vmm: "running", lists: ["watched"] },
  rebooting: { make: testing.rebooting, api: "rebooting", row: "vmm", vmm: "rebooting", lists: ["watched"] },
  stopping: { make: testing.stopping, api: "stopping", row: "vmm", vmm: "stopping", lists: ["watched"] },
  failed: {
    ...{ make: testing.failed, api: "failed", row: "failed", vmm: "failed" },
    lists: ["abandoned", "restartable"],
  },
  deleted: { make: testing.deleted, api: undefined, row: "destroyed" },
  migrating: {
    ...{ make: testing.migrating, api: "migrating", row: "vmm", vmm: "running", destination: "creating" },
    ...{ sides: ["pending", "pending"], lists: ["watched"] },
  },
  migrated: {
    ...{ make: testing.migrated, api: "running", row: "vmm", vmm: "destroyed", destination: "running" },
    ...{ sides: ["completed", "completed"], lists: ["watched"] },
  },
  unwound: {
    ...{ make: testing.unwound, api: "stopped", row: "vmm", vmm: "saga_unwound" },
    lists: ["pending", "restartable"],
  },
  unwoundMigration: {
    ...{ make: testing.unwoundMigration, api: "running", row: "vmm", vmm: "running" },
    ...{ destination: "saga_unwound", sides: ["failed", "failed"], lists: ["pending", "watched"] },
  },
  updatePending: {
    ...{ make: testing.updatePending, api: "stopping", row: "vmm", vmm: "destroyed" },
    lists: ["pending"],
  },
  orphaned: {
    ...{ make: testing.orphaned, api: "running", row: "vmm", vmm: "running", destination: "migrating" },
    ...{ sides: ["pending", "failed"], lists: ["orphaned", "watched"] },
  },
  stuck: { make: testing.stuck, api: "starting", row: "vmm", vmm: "creating" },
};

/** The lists that name the instance, sorted. */
async function listsOf({ instanceId }: testing.Fixture): Promise<string[]> {
  const lists = {
    abandoned: await api.abandonedVmms(db.sql),
    orphaned: await api.orphanedVmms(db.sql),
    pending: await api.pendingUpdates(db.sql),
    restartable: await api.restartableInstances(db.sql),
    stuck: await api.stuckInstances(db.sql),
    violating: await api.invariantViolations(db.sql),
    watched: await api.watchedVmms(db.sql),
  };
  return Object.entries(lists)
    .filter(([, rows]) => rows.some((row) => row.instanceId === instanceId))
    .map(([name]) => name);
}

it("each fixture is in this table", () => {
  const others = ["VmstateError", "createTestDatabase"];
  expect(Object.keys(SHOWN).sort()).toEqual(
    Object.keys(testing)
      .filter((name) => !others.includes(name))
      .sort(),
  );
});

describe.each(Object.entries(SHOWN))("%s", (name, shown) => {
  let f: testing.Fixture;
  beforeAll(async () => {
    f = await shown.make(db.sql);
  });

  it("shows its state in the API", async () => {
    expect((await api.apiInstance(db.sql, f))?.state).toBe(shown.api);
  });

  it("has the rows that its name says, with the generations that it returns", async () => {
    const row = await instance(db.sql, f);
    expect(row).toMatchObject({ state: shown.row, project_id: f.projectId, name: f.name });
    const vmms: [string, api.VmmState | undefined, number][] = [
      [f.propolisId, shown.vmm, f.generation],
      [f.migration.destinationPropolisId, shown.destination, f.destinationGeneration],
    ];
    for (const [id, state, generation] of vmms) {
      const found = await vmm(db.sql, id);
      expect(found["state"] && [found["state"], Number(found["state_generation"])]).toEqual(
        state && [state, generation],
      );
    }
    const found = await migration(db.sql, f.migration.migrationId);
    expect(found["source_state"] && [found["source_state"], found["destination_state"]]).toEqual(shown.sides);
    if (shown.row !== "vmm") expect(row).toMatchObject(NOT_LINKED);
  });

  it("is in the lists that its name says, and breaks no invariant", async () => {
    expect(await listsOf(f)).toEqual(shown.lists ?? []);
  });

  it("may have ids and a name of the test's own, beside another one in the same project", async () => {
    const chosen = {
      ...{ instanceId: randomUUID(), projectId: f.projectId, name: `my ${name}`, sledId: randomUUID() },
      ...{ sagaId: randomUUID(), propolisId: randomUUID(), propolisIp: "10.0.0.1" },
    };
    const own = { ...chosen, migration: { migrationId: randomUUID(), sledId: randomUUID() } };
    expect(await shown.make(db.sql, own)).toMatchObject(own);
    expect(await api.apiInstance(db.sql, chosen)).toEqual(
      shown.api === undefined ? undefined : expect.objectContaining({ name: `my ${name}`, state: shown.api }),
    );
    const again = await shown.make(db.sql, { projectId: f.projectId });
    expect(again.name).not.toBe(f.name);
    await expect(shown.make(db.sql, own)).rejects.toThrow(/^this fixture needs ids and names/);
  });
});

it("ids of another VMM are refused, with the verb that found them in use", async () => {
  const f = await testing.running(db.sql);
  await expect(testing.starting(db.sql, { propolisId: f.propolisId })).rejects.toThrow(
    "this fixture needs ids and names that are not in use: beginStart answers propolis_id_taken",
  );
});

it("the configuration of an instance is the test's", async () => {
  const f = await testing.failed(db.sql, { autoRestartPolicy: "never", autoRestartCooldown: 90 });
  expect(await api.apiInstance(db.sql, f)).toMatchObject({
    ...{ autoRestartPolicy: "never", autoRestartCooldown: "00:01:30" },
  });
  expect(await listsOf(f)).toEqual(["abandoned"]);
  const stopped = await testing.stopped(db.sql, { intendedState: "stopped" });
  expect(await listsOf(stopped)).toEqual([]);
});

it("the next report of a fixture is its generation plus 1", async () => {
  const { instanceId, propolisId, generation } = await testing.running(db.sql);
  const report = { instanceId, propolisId, state: "rebooting", time: new Date() } as const;
  expect(await api.reportVmm(db.sql, { ...report, generation })).toMatchObject({ vmmOutcome: "stale" });
  expect(await api.reportVmm(db.sql, { ...report, generation: generation + 1 })).toMatchObject({
    vmmOutcome: "applied",
  });
});

describe("any client of this package will do:", () => {
  let pool: pg.Pool;
  let source: DataSource;
  beforeAll(async () => {
    pool = new pg.Pool({ connectionString: db.url });
    source = await new DataSource({ type: "postgres", url: db.url }).initialize();
  });
  afterAll(() => Promise.all([pool.end(), source.destroy()]));

  const clients: [string, () => api.SqlClient][] = [
    ["pg", () => api.fromPg(pool)],
    ["Kysely", () => api.fromKysely(new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) }))],
    ["Drizzle", () => api.fromDrizzle(drizzle(pool))],
    ["TypeORM", () => source],
  ];
  it.each(clients)("%s", async (_, client) => {
    const f = await testing.migrating(client());
    expect(await api.apiInstance(client(), f)).toMatchObject({ state: "migrating" });
  });
});

describe("a test database with a threshold of its own", () => {
  const serverUrl = inject("serverUrl");

  it("lists a stuck instance at once, and what it waits for", async () => {
    await using database = await testing.createTestDatabase({ serverUrl, stuckAfter: "0 seconds" });
    const f = await testing.stuck(database.sql);
    await testing.running(database.sql);
    expect(await api.stuckInstances(database.sql)).toMatchObject([
      { instanceId: f.instanceId, apiState: "starting", waitsFor: "start saga" },
    ]);
    expect(await api.invariantViolations(database.sql)).toEqual([]);
  });

  it("is refused if the threshold is no interval", async () => {
    const stuckAfter = "'; drop schema vmstate; --";
    await expect(testing.createTestDatabase({ serverUrl, stuckAfter })).rejects.toThrow(
      `invalid input syntax for type interval: "${stuckAfter}"`,
    );
  });
});
