import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  beginUpdate,
  breakUpdate,
  explainUpdate,
  failSled,
  failSledVmms,
  purge,
  renameInstance,
} from "../../../src/index.js";
import { Random } from "../../../src/simulator/random.js";
import { createDatabase, type TestDatabase } from "../../support/database.js";
import { live, loseSled } from "./life.js";
import type { Site } from "./site.js";
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
  const site = { population, caller, random: new Random(1) };
  await makeWork(site);
  for (const act of [readLists, live, loseSled]) for (let call = 0; call < CALLS; call++) await act(site);
  const instanceId = population.take(site.random).instanceId;
  for (let call = 0; call < CALLS; call++)
    await caller.call("explain_update", (sql) => explainUpdate(sql, { instanceId }));
  for (let call = 0; call < CALLS; call++) await operate(site);
});
afterAll(() => db.drop());

/** Rows that a call of it deletes at most. */
const PURGED = 10;

/** What an operator does, each once. */
async function operate({ population, random }: Site): Promise<void> {
  const { instanceId } = population.take(random);
  const name = crypto.randomUUID();
  await caller.call("rename_instance", (sql) => renameInstance(sql, { instanceId, name }));
  const { sledId, vmms } = population.takeSled(random);
  const propolisIds = vmms.map(({ propolisId }) => propolisId);
  const lost = { sledId, propolisIds, reason: "no_such_vmm" } as const;
  const failed = await caller.call("fail_sled_vmms", (sql) => failSledVmms(sql, lost));
  const dead = String(failed[0]?.instanceId);
  const saga = { instanceId: dead, sagaId: crypto.randomUUID(), lease: "1 hour" };
  const updaterGeneration = Number((await beginUpdate(caller.sql, saga)).updaterGeneration);
  const broken = { instanceId: dead, updaterGeneration, reason: "the saga is dead" };
  expect(await caller.call("break_update", (sql) => breakUpdate(sql, broken))).toMatchObject({
    outcome: "applied",
  });
  const purged = await caller.call("purge", (sql) =>
    purge(sql, { before: new Date(Date.now() - 7_200_000), limit: PURGED }),
  );
  expect(purged.migrations + purged.vmms + purged.instances).toBe(PURGED);
}

/** By the verb's or list's name: a verb has several names, one for each way it was called. */
function readsOf(name: string): Reads[] {
  return [...caller.reads].filter(([what]) => what.split(",")[0] === name).map(([, reads]) => reads);
}

it("no verb scans a whole table, or reads more rows than its arguments name", async () => {
  const verbs = await db.sql<{ name: string }[]>`
    select proname as name from pg_proc
    where pronamespace = 'vmstate'::regnamespace and prosecdef and proname <> all (${ACCESS})`;
  for (const { name } of verbs) {
    const vmms = { report_vmms: 100, fail_sled: 30, fail_sled_vmms: 30, purge: PURGED }[name] ?? 1;
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
