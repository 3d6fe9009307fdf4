import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  apiInstance,
  apiInstances,
  apiMigration,
  apiMigrations,
  type ApiInstanceState,
  beginMigration,
  beginStart,
  deleteInstance,
  deleteVmm,
  explainUpdate,
  failVmm,
  instanceDetail,
  instanceDetails,
  purge,
  renameInstance,
  requestStop,
  runUpdate,
  sledVmms,
  unwindMigration,
  unwindStart,
} from "../../src/index.js";
import { withDatabase } from "../support/database.js";
import {
  addressOf,
  anotherMigration,
  applied,
  creating,
  deleted,
  failed,
  handedOver,
  instance,
  migrated,
  migrating,
  running,
  say,
  saying,
  starting,
  stopped,
  unknown,
  unwound,
  unwoundMigration,
  type Scenario,
} from "./scenario.js";

const db = withDatabase();
const { sql } = db;

const TIME = expect.any(Date) as unknown;
const NO_ACTIVE = {
  activePropolisId: null,
  activeApiState: null,
  activeSledId: null,
  activePropolisIp: null,
  activePropolisPort: null,
};
const NO_DESTINATION = {
  destinationPropolisId: null,
  destinationApiState: null,
  destinationSledId: null,
  destinationPropolisIp: null,
  destinationPropolisPort: null,
};
const NO_MIGRATION = {
  migrationId: null,
  migrationSourcePropolisId: null,
  migrationSourceState: null,
  migrationDestinationState: null,
};

function activeOf({ start }: Scenario, activeApiState: string): object {
  const { propolisId, sledId, propolisIp, propolisPort } = addressOf(start);
  return {
    activePropolisId: propolisId,
    activeApiState,
    activeSledId: sledId,
    activePropolisIp: propolisIp,
    activePropolisPort: propolisPort,
  };
}

function destinationOf({ migration }: Scenario, destinationApiState: string): object {
  const { propolisId, sledId, propolisIp, propolisPort } = addressOf(migration);
  return {
    destinationPropolisId: propolisId,
    destinationApiState,
    destinationSledId: sledId,
    destinationPropolisIp: propolisIp,
    destinationPropolisPort: propolisPort,
  };
}

function migrationOf(s: Scenario, source: string, destination: string): object {
  return {
    migrationId: s.migrationId,
    migrationSourcePropolisId: s.propolisId,
    migrationSourceState: source,
    migrationDestinationState: destination,
  };
}

describe("instance_detail", () => {
  test("has the columns of a running instance", async () => {
    const s = await stopped(sql, { autoRestartPolicy: "never", autoRestartCooldown: 90 });
    await applied(beginStart(sql, { ...s.start, propolisPort: 7 }));
    expect(await instanceDetail(sql, s)).toEqual({
      id: s.instanceId,
      instanceId: s.instanceId,
      apiState: "starting",
      state: "vmm",
      stateGeneration: 3,
      intendedState: "running",
      projectId: s.create.projectId,
      name: "web",
      autoRestartPolicy: "never",
      autoRestartCooldown: "00:01:30",
      ...activeOf(s, "creating"),
      activePropolisPort: 7,
      ...NO_DESTINATION,
      ...NO_MIGRATION,
      timeStateUpdated: TIME,
      timeCreated: TIME,
      timeModified: TIME,
    });
  });

  type Case = [string, () => Promise<Scenario>, (s: Scenario) => object];
  const cases: Case[] = [
    [
      "is being created: no VMM",
      () => creating(sql),
      () => ({ apiState: "creating", state: "creating", ...NO_ACTIVE, ...NO_DESTINATION, ...NO_MIGRATION }),
    ],
    ["is stopped", () => stopped(sql), () => ({ apiState: "stopped", state: "no_vmm", ...NO_ACTIVE })],
    ["failed", () => failed(sql), () => ({ apiState: "failed", state: "failed", ...NO_ACTIVE })],
    [
      "has an unwound VMM: stopped, the VMM destroyed",
      () => unwound(sql),
      (s) => ({ apiState: "stopped", state: "vmm", ...activeOf(s, "destroyed") }),
    ],
    [
      "has a dead VMM",
      () => saying(sql, "failed"),
      (s) => ({ apiState: "stopping", state: "vmm", ...activeOf(s, "failed") }),
    ],
    [
      "migrates: both VMMs and both sides",
      async () => {
        const s = await migrating(sql);
        await say(sql, s, "destination", "migrating", "in_progress");
        return s;
      },
      (s) => ({
        apiState: "migrating",
        ...activeOf(s, "running"),
        ...destinationOf(s, "migrating"),
        ...migrationOf(s, "pending", "in_progress"),
      }),
    ],
    [
      "has an unwound destination: shown as destroyed, both sides failed",
      () => unwoundMigration(sql),
      (s) => ({
        apiState: "running",
        ...activeOf(s, "running"),
        ...destinationOf(s, "destroyed"),
        ...migrationOf(s, "failed", "failed"),
      }),
    ],
    [
      "was handed over: one VMM on both links, and the source that it came from",
      () => handedOver(sql),
      (s) => ({
        apiState: "migrating",
        activePropolisId: s.destinationId,
        activeSledId: s.migration.sledId,
        ...destinationOf(s, "migrating"),
        ...migrationOf(s, "completed", "in_progress"),
      }),
    ],
    [
      "has migrated: neither destination nor migration",
      () => migrated(sql),
      (s) => ({ activePropolisId: s.destinationId, ...NO_DESTINATION, ...NO_MIGRATION }),
    ],
  ];
  test.each(cases)("an instance that %s", async (_, reach, expected) => {
    const s = await reach();
    expect(await instanceDetail(sql, s)).toMatchObject(expected(s));
  });

  test.each(cases)("says what api_instance says of an instance that %s", async (_, reach) => {
    const s = await reach();
    const { state, ...columns } = (await apiInstance(sql, s)) ?? expect.fail("no instance");
    expect(await instanceDetail(sql, s)).toMatchObject({ ...columns, apiState: state });
  });

  test("has the generation of the row", async () => {
    const s = await handedOver(sql);
    const { state_generation } = await instance(sql, s);
    expect((await instanceDetail(sql, s))?.stateGeneration).toBe(Number(state_generation));
  });

  test("hides a deleted instance, and one that does not exist", async () => {
    expect(await instanceDetail(sql, await deleted(sql))).toBeUndefined();
    expect(await instanceDetail(sql, unknown())).toBeUndefined();
  });
});

describe("api_migration", () => {
  test("has the columns of a migration that nobody reported", async () => {
    const s = await migrating(sql);
    const row = {
      id: s.migrationId,
      migrationId: s.migrationId,
      instanceId: s.instanceId,
      sourcePropolisId: s.propolisId,
      sourceSledId: s.start.sledId,
      sourceApiState: "running",
      sourceState: "pending",
      destinationPropolisId: s.destinationId,
      destinationSledId: s.migration.sledId,
      destinationApiState: "creating",
      destinationState: "pending",
      timeSourceUpdated: TIME,
      timeDestinationUpdated: TIME,
      timeCreated: TIME,
      timeReported: null,
    };
    expect(await apiMigration(sql, s)).toEqual(row);
    expect(await apiMigration(sql, { migrationId: s.migrationId })).toEqual(row);
    expect(await apiMigrations(sql, s)).toEqual([row]);
  });

  test("shows a report of a side, and its time not in the future", async () => {
    const s = await migrating(sql);
    await say(sql, s, "destination", "failed", "failed");
    await sql`
      update vmstate.migration set source_state = 'in_progress', source_generation = 2,
        time_source_updated = '2200-01-01' where id = ${s.migrationId}`;
    const row = (await apiMigration(sql, s)) ?? expect.fail("no migration");
    expect(row).toMatchObject({
      destinationState: "failed",
      destinationApiState: "failed",
      timeReported: TIME,
    });
    expect(row.timeSourceUpdated.getUTCFullYear()).toBeLessThan(2200);
  });

  test("shows an unwound destination as destroyed", async () => {
    const s = await unwoundMigration(sql);
    expect(await apiMigration(sql, s)).toMatchObject({
      sourceState: "failed",
      destinationState: "failed",
      sourceApiState: "running",
      destinationApiState: "destroyed",
    });
  });

  test("keeps a past migration until one of its VMMs is deleted", async () => {
    const s = await migrated(sql);
    expect(await apiMigration(sql, s)).toMatchObject({ destinationState: "completed" });
    await failVmm(sql, { instanceId: s.instanceId, propolisId: s.propolisId, reason: "operator" });
    await applied(deleteVmm(sql, s));
    expect(await apiMigration(sql, s)).toBeUndefined();
    expect(await apiMigrations(sql, s)).toEqual([]);
  });

  test("shows a linked migration of which a VMM is deleted", async () => {
    const s = await handedOver(sql);
    await say(sql, s, "active", "destroyed");
    await applied(deleteVmm(sql, s));
    expect(await apiMigration(sql, s)).toMatchObject({
      sourceApiState: "destroyed",
      sourceState: "completed",
      destinationState: "in_progress",
    });
    expect(await instanceDetail(sql, s)).toMatchObject({ migrationId: s.migrationId });
  });

  test("has no migration of a deleted instance, before and after it is purged", async () => {
    const s = await migrating(sql);
    await applied(unwindStart(sql, s.start));
    await applied(unwindMigration(sql, s.migration));
    await applied(deleteInstance(sql, s));
    expect(await apiMigrations(sql, s)).toEqual([]);
    await sql.begin(async (transaction) => {
      await transaction`set local session_replication_role = replica`;
      await transaction`update vmstate.migration set time_deleted = '2000-01-01' where id = ${s.migrationId}`;
    });
    for (const propolisId of [s.propolisId, s.destinationId])
      await applied(deleteVmm(sql, { instanceId: s.instanceId, propolisId }));
    expect((await purge(sql, { before: "2000-01-02T00:00:00Z" })).migrations).toBe(1);
    expect(await apiMigration(sql, { migrationId: s.migrationId })).toBeUndefined();
  });

  test("has a migration of its own instance alone", async () => {
    const [s, other] = [await migrating(sql), await migrating(sql)];
    expect(
      await apiMigration(sql, { migrationId: s.migrationId, instanceId: other.instanceId }),
    ).toBeUndefined();
  });

  test("lists the migrations of an instance by id, a page after the other", async () => {
    const s = await migrating(sql);
    const ids = [s.migrationId];
    await applied(unwindMigration(sql, s.migration));
    for (let n = 0; n < 3; n++) {
      const migration = anotherMigration(s);
      await applied(beginMigration(sql, migration));
      await applied(unwindMigration(sql, migration));
      ids.push(migration.migrationId);
    }
    const page = async (after?: string): Promise<string[]> =>
      (await apiMigrations(sql, { instanceId: s.instanceId, after, limit: 3 })).map(({ id }) => id);
    const first = await page();
    expect([...first, ...(await page(first[2]))]).toEqual(ids.sort());
    expect(await page(ids[3])).toEqual([]);
  });
});

describe("sledVmms", () => {
  const sledId = randomUUID();
  async function on(sled: string, propolisId: string): Promise<Scenario> {
    const s = await stopped(sql);
    const start = { ...s.start, sledId: sled, propolisId };
    await applied(beginStart(sql, start));
    return { ...s, propolisId, start };
  }
  const page = async (after?: string | null, limit = 2): Promise<string[]> =>
    (await sledVmms(sql, { sledId, after, limit })).map(({ id }) => id);

  test("lists the VMMs of one sled by id, the smallest id too, in pages", async () => {
    const ids = ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"];
    ids.splice(1, 0, ...[randomUUID(), randomUUID()].sort());
    for (const id of ids.toReversed()) await on(sledId, id);
    await on(randomUUID(), randomUUID());
    expect(await page()).toEqual(ids.slice(0, 2));
    expect(await page(null)).toEqual(ids.slice(0, 2));
    expect(await page(ids[1])).toEqual(ids.slice(2));
    expect(await page(ids[3])).toEqual([]);
    expect(await sledVmms(sql, { sledId: randomUUID() })).toEqual([]);
  });

  test("shows an unwound VMM as destroyed, and hides a deleted one", async () => {
    const s = await on(randomUUID(), randomUUID());
    await applied(unwindStart(sql, s.start));
    const { sledId } = s.start;
    expect(await sledVmms(sql, { sledId })).toMatchObject([{ id: s.propolisId, state: "destroyed", sledId }]);
    await applied(deleteInstance(sql, s));
    await applied(deleteVmm(sql, s));
    expect(await sledVmms(sql, { sledId })).toEqual([]);
  });

  test("22P02 for a sled id that is no uuid", async () => {
    await expect(page("'; drop schema vmstate")).rejects.toMatchObject({ code: "22P02" });
    await expect(page("")).rejects.toMatchObject({ code: "22P02" });
  });
});

const LISTS = [
  ["apiInstances", apiInstances],
  ["instanceDetails", instanceDetails],
] as const;

describe.each(LISTS)("%s", (_, list) => {
  async function project(names: string[]): Promise<{ projectId: string; made: Scenario[] }> {
    const projectId = randomUUID();
    const made = [];
    for (const name of names) made.push(await stopped(sql, { projectId, name }));
    return { projectId, made };
  }
  const names = async (a: Parameters<typeof list>[1]): Promise<string[]> =>
    (await list(sql, a)).map(({ name }) => name);

  test("lists by name, after a name, up to a limit", async () => {
    const { projectId } = await project(["d", "b", "a", "c"]);
    expect(await names({ projectId })).toEqual(["a", "b", "c", "d"]);
    expect(await names({ projectId, limit: 2 })).toEqual(["a", "b"]);
    expect(await names({ projectId, after: "b", limit: 1 })).toEqual(["c"]);
    expect(await names({ projectId, after: "bb", state: null })).toEqual(["c", "d"]);
    expect(await names({ projectId, after: "d" })).toEqual([]);
  });

  test("shows a new instance whose name comes after the page, and none whose name comes before it", async () => {
    const { projectId } = await project(["b", "d"]);
    expect(await names({ projectId, limit: 1 })).toEqual(["b"]);
    for (const name of ["a", "c"]) await stopped(sql, { projectId, name });
    expect(await names({ projectId, after: "b" })).toEqual(["c", "d"]);
  });

  test("shows an instance that is renamed between two pages twice, or never", async () => {
    const { projectId, made } = await project(["a", "b", "c", "d"]);
    expect(await names({ projectId, limit: 2 })).toEqual(["a", "b"]);
    const [first, , third] = made;
    await applied(renameInstance(sql, { instanceId: first?.instanceId ?? "", name: "e" }));
    await applied(renameInstance(sql, { instanceId: third?.instanceId ?? "", name: "a" }));
    expect(await names({ projectId, after: "b" })).toEqual(["d", "e"]);
  });

  const states: [ApiInstanceState, (projectId: string) => Promise<Scenario>][] = [
    ["creating", (projectId) => creating(sql, { projectId, name: "creating" })],
    ["stopped", (projectId) => stopped(sql, { projectId, name: "stopped" })],
    ["starting", (projectId) => starting(sql, { projectId, name: "starting" })],
    ["running", (projectId) => running(sql, { projectId, name: "running" })],
    ["failed", (projectId) => failed(sql, { projectId, name: "failed" })],
    ["migrating", (projectId) => migrating(sql, { projectId, name: "migrating" })],
  ];
  test("lists the instances in one state alone", async () => {
    const projectId = randomUUID();
    for (const [, reach] of states) await reach(projectId);
    for (const [state] of states) expect(await names({ projectId, state })).toEqual([state]);
    expect(await names({ projectId, state: "destroyed" })).toEqual([]);
  });

  test("pages through those of one state", async () => {
    const { projectId, made } = await project(["a", "b", "c", "d"]);
    for (const s of [made[0], made[2]])
      await applied(beginStart(sql, s?.start ?? expect.fail("no instance")));
    expect(await names({ projectId, state: "stopped", limit: 1 })).toEqual(["b"]);
    expect(await names({ projectId, state: "stopped", after: "b", limit: 1 })).toEqual(["d"]);
    expect(await names({ projectId, state: "starting", after: "a" })).toEqual(["c"]);
  });

  test("pages through those that run", async () => {
    const { projectId, made } = await project(["a", "b", "c"]);
    for (const s of made) {
      await applied(beginStart(sql, s.start));
      await say(sql, s, "active", "running");
    }
    expect(await names({ projectId, state: "running", limit: 1 })).toEqual(["a"]);
    expect(await names({ projectId, state: "running", after: "a", limit: 1 })).toEqual(["b"]);
  });

  test("a page holds up to its limit, and one with an unwound VMM takes its place by name", async () => {
    const { projectId, made } = await project(["a", "b", "c"]);
    const b = made[1] ?? expect.fail("no instance");
    await applied(beginStart(sql, b.start));
    await applied(unwindStart(sql, b.start));
    expect(await names({ projectId, state: "stopped", limit: 1 })).toEqual(["a"]);
    expect(await names({ projectId, state: "stopped", limit: 2 })).toEqual(["a", "b"]);
    expect(await names({ projectId, state: "stopped", after: "a", limit: 2 })).toEqual(["b", "c"]);
  });

  test("a deleted instance is in no state", async () => {
    const { projectId, made } = await project(["a", "b"]);
    await applied(deleteInstance(sql, made[0] ?? expect.fail("no instance")));
    expect(await names({ projectId, state: "stopped", limit: 1 })).toEqual(["b"]);
    expect(await sql`select from vmstate.instances_in_state(${projectId}, 'destroyed')`).toHaveLength(0);
  });

  test.each(["'; drop schema vmstate; --", "\\", "%", "\u{10ffff}", "x".repeat(5000), "a\nb"])(
    "takes any text for a name: %j",
    async (after) => {
      const { projectId } = await project(["a"]);
      const [row] = await sql<[{ isAfter: boolean }]>`select 'a' > ${after} as "isAfter"`;
      expect(await names({ projectId, after })).toEqual(row.isAfter ? ["a"] : []);
    },
  );

  test("22P02 for a state that does not exist, 2201W for a negative limit", async () => {
    const a = { projectId: randomUUID() };
    await expect(list(sql, { ...a, state: "saga_unwound" as ApiInstanceState })).rejects.toMatchObject({
      code: "22P02",
    });
    await expect(list(sql, { ...a, limit: -1 })).rejects.toMatchObject({ code: "2201W" });
  });

  test("hides deleted instances", async () => {
    const s = await deleted(sql);
    expect(await list(sql, s.create)).toEqual([]);
  });
});

describe("answers say where VMMs are", () => {
  test("with the port that a start names", async () => {
    const s = await stopped(sql);
    await applied(beginStart(sql, { ...s.start, propolisPort: 65535, propolisIp: "10.0.0.9" }));
    expect((await requestStop(sql, s)).commandVmms).toEqual([
      { ...addressOf(s.start), propolisPort: 65535, propolisIp: "10.0.0.9" },
    ]);
  });

  test("of a VMM that an update terminates, also once it is unlinked", async () => {
    const s = await migrating(sql);
    await say(sql, s, "active", "running", "failed");
    const vmms = { networkVmm: addressOf(s.start), terminateVmms: [addressOf(s.migration)] };
    expect(await explainUpdate(sql, s)).toMatchObject(vmms);
    const updated = await runUpdate(sql, { instanceId: s.instanceId, sagaId: randomUUID() });
    expect(updated).toMatchObject({ outcome: "applied", destinationPropolisId: null, ...vmms });
  });

  test("in SQL as composite values", async () => {
    const s = await running(sql);
    const [row] = await sql`select (command_vmms[1]).sled_id from vmstate.request_stop(${s.instanceId})`;
    expect(row).toEqual({ sled_id: s.start.sledId });
  });
});
