import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { explainUpdate, failSled } from "../../../src/index.js";
import { Chance } from "../../../src/replay/chance.js";
import { createDatabase, type TestDatabase } from "../../harness/database.js";
import { live, loseSled } from "./life.js";
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
const ACCESS = ["bind_sled_agent", "grant_access", "revoke_access"];
/** It is the whole fleet. */
const WATCHED = "watched_vmm";
/** Reads all migrations while they are few next to the project's instances. */
const SCANNING = [API_LIST];

let db: TestDatabase;
let caller: ReadCounter;
beforeAll(async () => {
  db = await createDatabase();
  // its snapshot keeps versions of rows that are dead, and the entries of those would be counted as well
  for (const table of ["instance", "vmm", "migration"])
    await db.sql`alter table vmstate.${db.sql(table)} set (autovacuum_enabled = false)`;
  const population = await loadPopulation(db.sql, { vmms: VMMS, seed: 1 });
  caller = new ReadCounter(db.connect({ max: 1 }));
  const site = { population, caller, chance: new Chance(1) };
  await makeWork(site);
  for (const act of [readLists, live, loseSled]) for (let call = 0; call < CALLS; call++) await act(site);
  const instanceId = population.take(site.chance).instanceId;
  for (let call = 0; call < CALLS; call++)
    await caller.call("explain_update", (sql) => explainUpdate(sql, { instanceId }));
});
afterAll(() => db.drop());

/** By the verb's or list's name: a verb has several names, one for each way it was called. */
function readsOf(name: string): Reads[] {
  return [...caller.reads].filter(([what]) => what.split(",")[0] === name).map(([, reads]) => reads);
}

it("no verb reads a table from end to end, nor more than it is about", async () => {
  const verbs = await db.sql<{ name: string }[]>`
    select proname as name from pg_proc
    where pronamespace = 'vmstate'::regnamespace and prosecdef and proname <> all (${ACCESS})`;
  for (const { name } of verbs) {
    const vmms = { report_vmms: 100, fail_sled: 30 }[name] ?? 1;
    const reads = readsOf(name);
    expect(reads, name).not.toEqual([]);
    for (const { scanned, entries } of reads)
      expect({ name, scanned, isMore: entries > DEAD + vmms * ENTRIES }).toEqual({
        name,
        scanned: [],
        isMore: false,
      });
  }
});

describe("a work list reads no table from end to end, nor more than its rows", () => {
  const lists = [...LISTS.filter((name) => !name.startsWith(WATCHED)), API_LIST];
  const check = (name: string): void => {
    const [reads] = readsOf(name);
    expect(reads?.scanned).toEqual([]);
    expect(reads?.entries).toBeLessThan(DEAD + ROWS * ENTRIES);
  };
  it.each(lists.filter((name) => !SCANNING.includes(name)))("%s", check);
  it.fails.each(SCANNING)("%s", check);
});

it("would notice: without its index, fail_sled reads the table of VMMs from end to end", async () => {
  await db.sql`drop index vmstate.vmm_on_sled`;
  const sledId = crypto.randomUUID();
  await caller.call("without index", (sql) => failSled(sql, { sledId, reason: "sled_off" }));
  expect(caller.reads.get("without index")?.scanned).toEqual(["vmm"]);
});
