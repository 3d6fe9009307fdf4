import type postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PACKAGE_ROOT, readMigrations } from "../../src/schema/files.js";
import { readSources } from "../../src/schema/sources.js";
import { live } from "../sql/access/life.js";
import { createEmptyDatabase, type TestDatabase } from "../support/database.js";
import { partitionedLayout, SCHEMA } from "./layout.js";

/** A call of a verb in a transaction of its own, and partitions, such as `vmm_2`. */
interface Call {
  verb: string;
  /** The partitions that were locked at the end of the transaction. */
  locked: string[];
  /** The partitions in which rows were looked for or written. */
  used: string[];
}

const NAMES = "the name is looked for in the whole project: a sharded layout asks a table of claimed names";
const FLEET = "takes VMMs of many instances";

/** Verbs that are not of one instance alone, each with why. */
const OF_THE_FLEET = new Map([
  ["rename_instance", NAMES],
  ["report_vmms", FLEET],
  ["report_vmm_batch", FLEET],
  ["report_sled", "reads VMMs of many instances"],
  ["fail_sled", FLEET],
  ["fail_sled_vmms", FLEET],
  ["purge", "takes rows of the whole fleet"],
  ["instances_in_state", "lists instances of a project, which are in many partitions"],
]);

/**
 * Verbs that read a plan. For an active VMM without a migration_id, resolved_instance looks for the migration in a
 * subquery, of which the partition is chosen when it runs: the planner has locked them all.
 */
const PLANNING = [
  "begin_update",
  "inherit_update",
  "commit_update",
  "run_update",
  "settle",
  "explain_update",
  "delete_instance",
];

/** Reads and writes no row of an instance: it makes and drops partitions of the history. */
const OF_NO_INSTANCE = "maintain_history";

const PARTITIONS = 4;

let db: TestDatabase;
let calls: Call[];
beforeAll(async () => {
  db = await createEmptyDatabase();
  const [sources, migrations] = [await readSources(PACKAGE_ROOT), await readMigrations(PACKAGE_ROOT)];
  await db.sql.unsafe(partitionedLayout(sources, migrations, { partitions: PARTITIONS, customPlans: true }));
  const touched: Omit<Call, "verb">[] = [];
  // A plan that is kept after the fifth call locks every partition.
  const connection = { plan_cache_mode: "force_custom_plan" };
  const verbs = await live(watching(db.connect({ max: 1, connection }), touched));
  expect(touched).toHaveLength(verbs.length);
  calls = touched.map((call, at) => ({ ...call, verb: String(verbs[at]) }));
});
afterAll(() => db.drop());

/** A client that runs each call of a verb in a transaction, and notes which partitions the call touched. */
function watching(sql: postgres.Sql, touched: Omit<Call, "verb">[]): postgres.Sql {
  const run = async (statement: unknown[]): Promise<unknown> =>
    await sql.begin(async (transaction) => {
      const before = new Map(await usesOf(transaction));
      const rows: unknown = await Reflect.apply(transaction, undefined, statement);
      const locked = await lockedPartitions(transaction);
      const used = (await usesOf(transaction)).filter(([name, uses]) => uses !== before.get(name));
      touched.push({ locked, used: used.map(([name]) => name) });
      return rows;
    });
  return new Proxy(sql, {
    apply: (target, self, statement: unknown[]): unknown =>
      String(statement[0]).startsWith("select * from vmstate.")
        ? run(statement)
        : Reflect.apply(target, self, statement),
  });
}

async function lockedPartitions(sql: postgres.ISql): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select distinct c.relname as name from pg_locks as l join pg_class as c on c.oid = l.relation
      where l.pid = pg_backend_pid() and c.relkind = 'r' and c.relnamespace = ${SCHEMA}::regnamespace order by name`;
  return rows.map(({ name }) => name);
}

/** Counts by partition how often this session has looked for rows in it and written them. */
async function usesOf(sql: postgres.ISql): Promise<[name: string, uses: string][]> {
  const rows = await sql<{ name: string; uses: string }[]>`
    select relname as name, seq_scan + coalesce(idx_scan, 0) + n_tup_ins + n_tup_upd + n_tup_del as uses
      from pg_stat_xact_all_tables where schemaname = ${SCHEMA} order by name`;
  return rows.map(({ name, uses }) => [name, uses]);
}

/** The numbers of the partitions, each once. */
function numbersOf(partitions: string[]): string[] {
  return [...new Set(partitions.map((name) => name.replace(/^.*_/, "")))];
}

it("every verb is called, and every verb that is not of one instance is named", async () => {
  const verbs = await db.sql<{ name: string }[]>`
    select proname as name from pg_proc where pronamespace = 'vmstate'::regnamespace and prosecdef and prorettype <> 'trigger'::regtype order by name`;
  expect(verbs.length).toBeGreaterThan(20);
  expect([...new Set(calls.map(({ verb }) => verb))].sort()).toEqual(verbs.map(({ name }) => name));
});

describe("on partitions", () => {
  it("an instance verb looks for rows and writes them in one partition, that of its instance", () => {
    const [first] = calls;
    expect(first?.verb).toBe("create_instance");
    const own = numbersOf(first?.used ?? []);
    expect(own).toHaveLength(1);
    const ofOne = calls.filter(({ verb }) => !OF_THE_FLEET.has(verb) && verb !== OF_NO_INSTANCE);
    expect(ofOne.map(({ verb, used }) => [verb, numbersOf(used)])).toEqual(
      ofOne.map(({ verb }) => [verb, own]),
    );
  });

  it("an instance verb locks one partition of each table, but for migrations where it plans", () => {
    const ofOne = calls.filter(({ verb }) => !OF_THE_FLEET.has(verb) && verb !== OF_NO_INSTANCE);
    const own = numbersOf(calls[0]?.used ?? []);
    for (const { verb, locked } of ofOne) {
      const others = locked.filter((name) => !own.includes(numbersOf([name])[0] ?? ""));
      const planned = others.filter((name) => PLANNING.includes(verb) && name.startsWith("migration_"));
      expect({ verb, others }).toEqual({ verb, others: planned });
    }
  });

  it("each exception is one: such a verb locks more than one partition", () => {
    const exceptions = [...OF_THE_FLEET.keys(), ...PLANNING];
    const wide = calls.filter(({ locked }) => numbersOf(locked).length > 1).map(({ verb }) => verb);
    expect([...new Set(wide)].sort()).toEqual([...exceptions].sort());
    const purge = calls.find(({ verb }) => verb === "purge");
    expect(numbersOf(purge?.used ?? [])).toHaveLength(PARTITIONS);
  });
});

it("a function that forgets the instance id locks every partition, and looks for the row in each", async () => {
  const [{ definition }] = await db.sql<[{ definition: string }]>`
    select pg_get_functiondef('vmstate.lock_vmm'::regproc) as definition`;
  const planted = definition.replace("v.instance_id = p_instance_id AND ", "");
  expect(planted).not.toBe(definition);
  const touched: Omit<Call, "verb">[] = [];
  const sql = db.connect({ max: 1 });
  await sql.unsafe(planted);
  await watching(sql, touched)`select * from vmstate.lock_vmm(gen_random_uuid(), gen_random_uuid())`;
  await sql.unsafe(definition);
  const all = Array.from({ length: PARTITIONS }, (_, n) => `vmm_${n}`);
  expect(touched).toEqual([{ locked: all, used: all }]);
});
