import type postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AccessKind } from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import { Actors, errorOf } from "../access/actors.js";
import { migrating } from "../scenario.js";

const db = withDatabase();
let actors: Actors;
let tables: string[];
beforeAll(async () => {
  actors = new Actors(db);
  await migrating(db.sql);
  const names = await db.sql<{ name: string }[]>`
    select relid::text as name from pg_partition_tree('vmstate.history') order by name`;
  tables = names.map(({ name }) => name);
  expect(tables.length).toBeGreaterThanOrEqual(4);
});
afterAll(() => actors[Symbol.asyncDispose]());

const WRITES = (table: string): string[] => [
  `update ${table} set verb = 'forged'`,
  `update ${table} set time = time + interval '90 days'`,
  `delete from ${table}`,
  `truncate ${table}`,
];

/** The rows, and the error of each write on each partition that has rows; a write that finds no row changes none. */
async function tryAll(sql: postgres.Sql): Promise<Map<string, string>> {
  const errors = new Map<string, string>();
  for (const table of tables)
    for (const write of WRITES(table)) errors.set(write, (await errorOf(sql.unsafe(write)))?.code ?? "none");
  return errors;
}

async function rows(): Promise<postgres.Row[]> {
  return [...(await db.sql`select to_jsonb(h) as row from vmstate.history as h order by id`)];
}

describe("nobody changes or removes a recorded change:", () => {
  test("not the owner, on the table and on the partition that has the rows", async () => {
    const before = await rows();
    const errors = await tryAll(db.sql);
    expect(before.length).toBeGreaterThan(5);
    const [{ holding }] = await db.sql<[{ holding: string }]>`
      select distinct tableoid::regclass::text as holding from vmstate.history`;
    const found = (table: string): string[] => WRITES(table).map((write) => errors.get(write) ?? "");
    expect(found("vmstate.history")).toEqual(["VM104", "VM104", "VM104", "VM104"]);
    expect(found(holding)).toEqual(["VM104", "VM104", "VM104", "VM104"]);
    const others = tables.filter((table) => table !== holding && table !== "vmstate.history");
    for (const other of others)
      expect([other, ...found(other)]).toEqual([other, "none", "none", "none", "VM104"]);
    expect(await rows()).toEqual(before);
  });

  test.each<AccessKind>(["control_plane", "operator", "reader", "sled_agent"])(
    "not a role of kind %s",
    async (kind) => {
      const { sql } = await actors.create(kind, [kind]);
      const before = await rows();
      expect(new Set((await tryAll(sql)).values())).toEqual(new Set(["42501"]));
      expect(await rows()).toEqual(before);
    },
  );
});

test("the trigger refuses, and nothing else: without it the owner may", async () => {
  const before = await rows();
  await db.sql
    .begin(async (sql) => {
      await sql`alter table vmstate.history disable trigger all`;
      await sql.unsafe(WRITES("vmstate.history")[0] ?? "");
      const found = await sql`select distinct verb from vmstate.history`;
      expect([...found]).toEqual([{ verb: "forged" }]);
      throw new Error("rolled back");
    })
    .catch((error: unknown) => {
      expect(error).toMatchObject({ message: "rolled back" });
    });
  expect(await rows()).toEqual(before);
});

test("what maintain_history gave up may be deleted, and nothing newer", async () => {
  await db.sql`insert into vmstate.history ("time", id, transaction_id, instance_id, kind, row_id, generation, state, deleted, role)
    select '2020-01-01', 0, '1', gen_random_uuid(), 'vmm', gen_random_uuid(), 1, 'creating', false, 'nobody'`;
  const error = await errorOf(db.sql`delete from vmstate.history`);
  expect(error?.code).toBe("VM104");
  expect(await db.sql`delete from vmstate.history where time < '2021-01-01' returning id`).toHaveLength(1);
});
