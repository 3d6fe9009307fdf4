import { beforeAll, describe, expect, it } from "vitest";
import {
  apiInstances,
  apiMigration,
  apiMigrations,
  failSled,
  instanceDetail,
  instanceAt,
  instanceDetails,
  purge,
  silentSleds,
  type SqlClient,
  sledVmms,
} from "../../../src/index.js";
import { Random } from "../../../src/simulator/random.js";
import { withDatabase } from "../../support/database.js";
import { expectEveryVerb } from "../../support/every-verb.js";
import { verbsOf } from "../../support/verbs.js";
import { live, loseSleds } from "./life.js";
import { LISTS, makeWork, PAGE_NAMES, readLists, ROWS } from "./lists.js";
import { loadPopulation } from "./population.js";
import { ReadCounter, type Reads } from "./reads.js";

const VMMS = 20_000;
/** Each of the first five calls is planned for its own arguments, the later ones perhaps for any. */
const CALLS = 8;
/** Rows and index entries that it may take to read or to write one VMM. */
const ENTRIES = 100;
/** Dead versions of what it is about, which the snapshot of an autoanalyze of some catalog may keep. */
const DEAD = 300;
const PLACE = "test/bench/growth/plans.test.ts";
/** The view that lists the whole fleet. */
const WATCHED = "watched_vmm";

const db = withDatabase();
let caller: ReadCounter;
beforeAll(async () => {
  // its snapshot keeps versions of rows that are dead, and the entries of those would be counted as well
  for (const table of ["instance", "vmm", "migration"])
    await db.sql`alter table vmstate.${db.sql(table)} set (autovacuum_enabled = false)`;
  const population = await loadPopulation(db.sql, { vmms: VMMS, seed: 1 });
  caller = new ReadCounter(db.connect({ max: 1 }));
  const site = { population, caller, random: new Random(1) };
  await makeWork(site);
  for (const act of [readLists, live, loseSleds]) for (let call = 0; call < CALLS; call++) await act(site);
  for (let call = 0; call < CALLS; call++) {
    await purgeSome();
    await readPast();
  }
});

/** Rows that a call of it deletes at most. */
const PURGED = 10;

async function purgeSome(): Promise<void> {
  const purged = await caller.call("purge", (sql) =>
    purge(sql, { before: new Date(Date.now() - 7_200_000), limit: PURGED }),
  );
  expect(purged.migrations + purged.vmms + purged.instances).toBe(PURGED);
}

/** Of an instance that has changed often, among many others with a history. */
async function readPast(): Promise<void> {
  const [row] = await db.sql<[{ instanceId: string }]>`
    select instance_id as "instanceId" from vmstate.history group by instance_id order by count(*) desc limit 1`;
  const past = await caller.call("instance_at", (sql) => instanceAt(sql, { ...row, time: "infinity" }));
  expect(["applied", "gone"]).toContain(past.outcome);
}

const nameOf = (what: string): string => what.split(",", 1).join();

/** By the verb's or list's name: a verb has several names, one for each way it was called. */
function readsOf(name: string): Reads[] {
  return [...caller.reads].filter(([what]) => nameOf(what) === name).map(([, reads]) => reads);
}

/** A page of instances in a state is read by this verb. */
const OF_PAGES = "instances_in_state";

it("the reads of every verb were counted", async () => {
  await expectEveryVerb(db.sql, PLACE, [...[...caller.reads.keys()].map(nameOf), OF_PAGES]);
});

it("no verb scans a whole table, or reads more rows than its arguments name", async () => {
  const verbs = await verbsOf(db.sql, PLACE);
  for (const name of verbs) {
    const vmms =
      {
        report_vmms: 100,
        report_vmm_batch: 100,
        report_sled: 30,
        fail_sled: 30,
        fail_sled_vmms: 30,
        purge: PURGED,
      }[name] ?? 1;
    for (const { scanned, entries } of readsOf(name))
      expect({ name, scanned, isMore: entries > DEAD + vmms * ENTRIES }).toEqual({
        name,
        scanned: [],
        isMore: false,
      });
  }
});

describe("a work list scans no whole table, and reads no more rows than it returns", () => {
  const lists = [...LISTS.filter((name) => !name.startsWith(WATCHED)), ...PAGE_NAMES];
  const check = (name: string): void => {
    const [reads] = readsOf(name);
    expect(reads?.scanned).toEqual([]);
    expect(reads?.entries).toBeLessThan(DEAD + ROWS * ENTRIES);
  };
  it.each(lists)("%s", check);
});

describe("silent_sled scans no table", () => {
  // Of each sled: its place in the index, its row, and one VMM.
  const ENTRIES_OF_A_SLED = 8;

  it("reads in proportion to sleds, not to VMMs, while every sled is heard", async () => {
    await db.sql`insert into vmstate.sled_report (sled_id, time_reported, vmm_count)
      select sled_id, clock_timestamp(), count(*) from vmstate.watched_vmm group by sled_id
      on conflict (sled_id) do update set time_reported = excluded.time_reported`;
    await db.sql`vacuum analyze vmstate.sled_report, vmstate.vmm`;
    const [{ sleds }] = await db.sql<[{ sleds: number }]>`
      select count(distinct sled_id)::integer as sleds from vmstate.vmm where time_deleted is null`;
    const silent = await caller.call("silent_sled: none", (sql) => silentSleds(sql));
    const reads = caller.reads.get("silent_sled: none");
    expect(silent).toEqual([]);
    expect(reads?.scanned).toEqual([]);
    expect(sleds).toBeGreaterThan(400);
    expect(reads?.entries).toBeLessThan(DEAD + sleds * ENTRIES_OF_A_SLED);
  });

  it("reads all VMMs of a silent sled alone", async () => {
    await db.sql`update vmstate.sled_report set time_reported = time_reported - interval '1 hour'
      where sled_id = (
        select w.sled_id from vmstate.watched_vmm as w
          group by w.sled_id having bool_and(w.time_reported is null) limit 1)`;
    const silent = await caller.call("silent_sled: one", (sql) => silentSleds(sql));
    expect(silent).toHaveLength(1);
    const [none, one] = ["none", "one"].map((what) => caller.reads.get(`silent_sled: ${what}`)?.entries ?? 0);
    expect(one).toBeGreaterThan(Number(none));
    // About 30 VMMs, each by index and row, first to find one that was heard and then to count them.
    expect(one).toBeLessThan(Number(none) + 30 * ENTRIES_OF_A_SLED);
  });
});

describe("a page reads rows in proportion to its limit, and scans no table", () => {
  const LIMIT = 5;
  const nothing = crypto.randomUUID();
  const pages: [string, (sql: SqlClient, row: Known) => Promise<unknown>, number][] = [
    [
      "apiInstances",
      (sql, { projectId, name }) => apiInstances(sql, { projectId, after: name, limit: LIMIT }),
      LIMIT,
    ],
    ...(["running", "stopped", "failed"] as const).map((state): (typeof pages)[number] => [
      `apiInstances in state ${state}`,
      (sql, { projectId }) => apiInstances(sql, { projectId, state, limit: LIMIT }),
      LIMIT,
    ]),
    ["instanceDetails", (sql, { projectId }) => instanceDetails(sql, { projectId, limit: LIMIT }), LIMIT],
    ["instanceDetail", (sql, { instanceId }) => instanceDetail(sql, { instanceId }), 1],
    ["sledVmms", (sql, { sledId }) => sledVmms(sql, { sledId, limit: LIMIT }), LIMIT],
    ["sledVmms after", (sql, { sledId }) => sledVmms(sql, { sledId, after: nothing, limit: LIMIT }), LIMIT],
    ["apiMigrations", (sql, { instanceId }) => apiMigrations(sql, { instanceId, after: nothing }), LIMIT],
    ["apiMigration", (sql, { instanceId }) => apiMigration(sql, { instanceId, migrationId: nothing }), 1],
    ["apiMigration by its id", (sql) => apiMigration(sql, { migrationId: nothing }), 1],
  ];
  it.each(pages)("%s", async (name, read, rows) => {
    const row = await known();
    for (let call = 0; call < CALLS; call++) await caller.call(`page: ${name}`, (sql) => read(sql, row));
    const reads = caller.reads.get(`page: ${name}`);
    expect(reads?.scanned).toEqual([]);
    expect(reads?.entries).toBeLessThan(DEAD_OF_A_PAGE + rows * ENTRIES_OF_A_ROW);
  });
});

/** Rows and index entries that it takes to show an instance with its VMMs and its migration, or fewer. */
const ENTRIES_OF_A_ROW = 15;
/** Dead versions in a row of index entries that a page may pass over. */
const DEAD_OF_A_PAGE = 40;

interface Known {
  projectId: string;
  name: string;
  instanceId: string;
  sledId: string;
}

/** Finds an instance that has a VMM on a sled with many VMMs. */
async function known(): Promise<Known> {
  const [row] = await db.sql<[Known]>`
    select i.project_id as "projectId", i.name, i.id as "instanceId", v.sled_id as "sledId"
      from vmstate.instance as i join vmstate.vmm as v on v.instance_id = i.id and v.id = i.active_propolis_id
      where v.state = 'running' order by i.time_created desc limit 1`;
  return row;
}

it("the check fails without an index: fail_sled scans the whole table of VMMs", async () => {
  await db.sql`drop index vmstate.vmm_on_sled`;
  const sledId = crypto.randomUUID();
  await caller.call("without index", (sql) => failSled(sql, { sledId, reason: "sled_off" }));
  expect(caller.reads.get("without index")?.scanned).toEqual(["vmm"]);
});
