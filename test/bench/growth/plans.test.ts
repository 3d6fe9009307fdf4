import { beforeAll, describe, expect, it } from "vitest";
import { failSled, purge } from "../../../src/index.js";
import { Random } from "../../../src/simulator/random.js";
import { withDatabase } from "../../support/database.js";
import { expectEveryVerb } from "../../support/every-verb.js";
import { verbsOf } from "../../support/verbs.js";
import { live, loseSleds } from "./life.js";
import { API_LIST, LISTS, makeWork, readLists, ROWS } from "./lists.js";
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
/** It is the whole fleet. */
const WATCHED = "watched_vmm";
/** Reads all migrations while they are few next to the project's instances. */
const SCANNING = [API_LIST];

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
  for (let call = 0; call < CALLS; call++) await purgeSome();
});

/** Rows that a call of it deletes at most. */
const PURGED = 10;

async function purgeSome(): Promise<void> {
  const purged = await caller.call("purge", (sql) =>
    purge(sql, { before: new Date(Date.now() - 7_200_000), limit: PURGED }),
  );
  expect(purged.migrations + purged.vmms + purged.instances).toBe(PURGED);
}

const nameOf = (what: string): string => what.split(",", 1).join();

/** By the verb's or list's name: a verb has several names, one for each way it was called. */
function readsOf(name: string): Reads[] {
  return [...caller.reads].filter(([what]) => nameOf(what) === name).map(([, reads]) => reads);
}

it("the reads of every verb were counted", async () => {
  await expectEveryVerb(db.sql, PLACE, [...caller.reads.keys()].map(nameOf));
});

it("no verb scans a whole table, or reads more rows than its arguments name", async () => {
  const verbs = await verbsOf(db.sql, PLACE);
  for (const name of verbs) {
    const vmms = { report_vmms: 100, fail_sled: 30, fail_sled_vmms: 30, purge: PURGED }[name] ?? 1;
    for (const { scanned, entries } of readsOf(name))
      expect({ name, scanned, isMore: entries > DEAD + vmms * ENTRIES }).toEqual({
        name,
        scanned: [],
        isMore: false,
      });
  }
});

describe("a work list scans no whole table, and reads no more rows than it returns", () => {
  const lists = [...LISTS.filter((name) => !name.startsWith(WATCHED)), API_LIST];
  const check = (name: string): void => {
    const [reads] = readsOf(name);
    expect(reads?.scanned).toEqual([]);
    expect(reads?.entries).toBeLessThan(DEAD + ROWS * ENTRIES);
  };
  it.each(lists.filter((name) => !SCANNING.includes(name)))("%s", check);
  it.fails.each(SCANNING)("%s", check);
});

it("the check fails without an index: fail_sled scans the whole table of VMMs", async () => {
  await db.sql`drop index vmstate.vmm_on_sled`;
  const sledId = crypto.randomUUID();
  await caller.call("without index", (sql) => failSled(sql, { sledId, reason: "sled_off" }));
  expect(caller.reads.get("without index")?.scanned).toEqual(["vmm"]);
});
