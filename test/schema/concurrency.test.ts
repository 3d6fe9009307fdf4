import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readMigrations } from "../../src/schema/files.js";
import { migrateFrom } from "../../src/schema/migrate-from.js";
import { createDatabase, createEmptyDatabase, type TestDatabase } from "../support/database.js";
import { PackageCopy } from "../support/package-copy.js";
import { until } from "../support/until.js";
import { untilWaiting } from "../support/waiting.js";
import { ownersIn, Roles } from "./roles.js";

let db: TestDatabase;
let copy: PackageCopy;
let names: string[];
let next: string;
beforeEach(async () => {
  copy = new PackageCopy();
  names = (await readMigrations(copy.root)).map(({ name }) => name);
  next = `${String(names.length + 1).padStart(4, "0")}_next`;
});
afterEach(async () => {
  await db.drop();
  copy[Symbol.dispose]();
});

const run = (url = db.url): Promise<string[]> => migrateFrom(copy.root, url);

/** The sessions of migrators, in the order in which they connected. */
async function migrators(): Promise<number[]> {
  const rows = await db.sql<{ pid: number }[]>`
    select pid from pg_stat_activity
    where datname = current_database() and application_name = 'vmstate migrate' order by backend_start`;
  return rows.map(({ pid }) => pid);
}

async function untilMigrators(count: number): Promise<number[]> {
  await until(`${count} migrators`, async () => (await migrators()).length === count);
  return await migrators();
}

describe("two migrators", () => {
  it("the first killed while its migration waits for a table: the second applies that migration, once", async () => {
    db = await createDatabase();
    copy.migration(next, "alter table vmstate.vmm add extra text");
    let second: Promise<string[]> | undefined;
    await db.sql.begin(async (other) => {
      await other`lock vmstate.vmm in access share mode`;
      const first = run().then(
        () => "applied",
        () => "failed",
      );
      const [firstPid = 0] = await untilMigrators(1);
      await untilWaiting(db.sql, firstPid);
      second = run();
      const [, secondPid = 0] = await untilMigrators(2);
      await untilWaiting(db.sql, secondPid);
      await db.sql`select pg_terminate_backend(${firstPid})`;
      expect(await first).toBe("failed");
    });
    expect(await second).toEqual([next]);
    expect(await db.sql`select from vmstate.schema_change where name = ${next}`).toHaveLength(1);
  });

  it("of a schema without records: the schema is taken over once", async () => {
    db = await createDatabase();
    await db.sql`delete from vmstate.schema_change`;
    await db.sql`drop table if exists vmstate.pgmigrations`;
    expect(await Promise.all([run(), run()])).toEqual([[], []]);
    expect(await db.sql`select from vmstate.schema_change`).toHaveLength(names.length);
    expect(await db.sql`select from vmstate.pgmigrations`).toHaveLength(names.length);
  });

  it("of different roles: each acts as the schema's owner", async () => {
    db = await createEmptyDatabase();
    await using roles = new Roles(db);
    const owner = await roles.create("owner");
    const members = await Promise.all([1, 2, 3].map(() => roles.create("member", `in role ${owner}`)));
    await db.sql.unsafe(`create schema vmstate authorization ${owner}`);
    const applied = await Promise.all([owner, ...members].map((role) => run(roles.urlOf(role))));
    expect(applied.flat().sort()).toEqual(names);
    expect(await ownersIn(db.sql)).toEqual([owner]);
    await db.sql.unsafe(`drop schema vmstate cascade`);
  });
});

describe("a member of the schema's owner migrates", () => {
  it("behind a statement that holds a lock: lets queries pass, and acts as the owner in each attempt", async () => {
    db = await createEmptyDatabase();
    await using roles = new Roles(db);
    const owner = await roles.create("owner");
    const member = await roles.create("member", `noinherit in role ${owner}`);
    await db.sql.unsafe(`create schema vmstate authorization ${owner}`);
    await run(roles.urlOf(owner));
    copy.migration(next, "alter table vmstate.vmm add extra text;\ncreate table vmstate.next ()");
    let running: Promise<string[]> | undefined;
    await db.sql.begin(async (other) => {
      await other`lock vmstate.vmm in access share mode`;
      running = run(roles.urlOf(member));
      const [pid = 0] = await untilMigrators(1);
      await untilWaiting(db.sql, pid);
      expect(await db.sql`select count(*) from vmstate.vmm`).toHaveLength(1);
    });
    expect(await running).toEqual([next]);
    expect(await ownersIn(db.sql)).toEqual([owner]);
    await roles.drop(member);
  });
});
