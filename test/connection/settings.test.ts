import { randomBytes, randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import type postgres from "postgres";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { vmstate } from "../../src/index.js";
import { migrateFrom } from "../../src/schema/migrate-from.js";
import { runCli } from "../cli/run-cli.js";
import { Scenario } from "../cli/scenario.js";
import { createDatabase, createEmptyDatabase, type TestDatabase } from "../support/database.js";
import { PackageCopy } from "../support/package-copy.js";

/** Settings of a role, a database or a server that end or disturb sessions that rely on others. */
const HOSTILE = {
  statement_timeout: "1ms",
  lock_timeout: "1ms",
  idle_in_transaction_session_timeout: "1ms",
  idle_session_timeout: "1ms",
  // Shorter than the time in which a migration gives way.
  transaction_timeout: "250ms",
  default_transaction_read_only: "on",
  default_transaction_isolation: "serializable",
  default_transaction_deferrable: "on",
  DateStyle: "SQL, DMY",
  IntervalStyle: "sql_standard",
  TimeZone: "Asia/Kathmandu",
  bytea_output: "escape",
  extra_float_digits: "-15",
  client_encoding: "LATIN1",
  standard_conforming_strings: "off",
  escape_string_warning: "off",
  row_security: "off",
  quote_all_identifiers: "on",
  transform_null_equals: "on",
  array_nulls: "off",
  search_path: "public",
};

const role = `vmstate_test_settings_${randomBytes(6).toString("hex")}`;

let databases: TestDatabase[];
beforeEach(() => {
  databases = [];
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const { sql } of databases) {
    const roles = await sql`select from pg_roles where rolname = ${role}`;
    if (roles.length > 0) await sql.unsafe(`reassign owned by ${role} to current_user; drop role ${role}`);
  }
  await Promise.all(databases.map((database) => database.drop()));
});

async function make(create: () => Promise<TestDatabase>): Promise<TestDatabase> {
  const database = await create();
  databases.push(database);
  return database;
}

/** The URL of the database for a role with all of the settings that this server knows. */
async function withHostileSettings({ url, sql }: TestDatabase): Promise<string> {
  await sql.unsafe(`create role ${role} superuser login password 'secret'`);
  const known = await sql<{ name: string }[]>`select lower(name) as name from pg_settings`;
  for (const [name, value] of Object.entries(HOSTILE))
    if (known.some((setting) => setting.name === name.toLowerCase()))
      await sql.unsafe(`alter role ${role} set ${name} to ${name === "DateStyle" ? value : `'${value}'`}`);
  return Object.assign(new URL(url), { username: role, password: "secret" }).href;
}

/** Waits until the server says that the migration waits for a lock. */
async function untilMigrationWaits(sql: postgres.Sql): Promise<void> {
  const waiting = async (): Promise<readonly unknown[]> =>
    await sql`
    select from pg_stat_activity
    where datname = current_database() and application_name = 'vmstate migrate'
      and cardinality(pg_blocking_pids(pid)) > 0`;
  await expect.poll(waiting, { timeout: 20_000 }).toHaveLength(1);
}

describe("settings of a role", () => {
  it("do not keep a migration from being applied", async () => {
    const db = await make(createEmptyDatabase);
    const url = await withHostileSettings(db);
    using copy = new PackageCopy();
    expect(await migrateFrom(copy.root, url)).not.toEqual([]);
    expect(await migrateFrom(copy.root, url)).toEqual([]);
  });

  it("do not end the wait for another migrator; an explicit timeout does", async () => {
    const db = await make(createEmptyDatabase);
    const url = await withHostileSettings(db);
    using copy = new PackageCopy();
    const other = await db.sql.reserve();
    await other`select pg_advisory_lock(7241865325823964)`;
    await expect(migrateFrom(copy.root, url, { lockTimeout: "20ms" })).rejects.toThrow(
      "did not finish in time",
    );
    const running = migrateFrom(copy.root, url);
    await untilMigrationWaits(db.sql);
    await other`select pg_advisory_unlock(7241865325823964)`;
    other.release();
    expect(await running).not.toEqual([]);
  });

  it("do not end a migration between two attempts for a lock", async () => {
    const db = await make(createDatabase);
    const url = await withHostileSettings(db);
    using copy = new PackageCopy();
    const name = `${String(readdirSync("migrations").length + 1).padStart(4, "0")}_next`;
    copy.migration(name, "alter table vmstate.vmm add extra text");
    let running: Promise<string[]> | undefined;
    await db.sql.begin(async (other) => {
      await other`lock vmstate.vmm in access share mode`;
      running = migrateFrom(copy.root, url, { lockTimeout: "0" });
      await untilMigrationWaits(db.sql);
      // This query queues behind the migration: it is answered only when the migration has released all its locks.
      expect(await db.sql`select count(*) from vmstate.vmm`).toHaveLength(1);
    });
    expect(await running).toEqual([name]);
  });

  it("do not change what a command prints", async () => {
    const db = await make(createDatabase);
    vi.stubEnv("DATABASE_URL", db.url);
    const web = await new Scenario(db.sql).createStopped("Zoë");
    await vmstate(db.sql).configureInstance({
      instanceId: web.instanceId,
      autoRestartCooldown: "1 day 2:03:04.5",
    });
    await web.report(await web.run(), "failed");
    await web.beginUpdate("1 hour");
    const commands = [
      ["show", web.instanceId],
      ["explain", web.instanceId],
      ["verify"],
      ["migrate", "status"],
      ["doctor"],
    ];
    const outputs = async (): Promise<unknown[]> => {
      const runs = [];
      for (const command of commands) runs.push(await runCli(...command, "--json"));
      return runs;
    };
    const before = await outputs();
    vi.stubEnv("DATABASE_URL", await withHostileSettings(db));
    expect(await outputs()).toEqual(before);
    expect(await runCli("status")).toMatchObject({ code: 0 });
  });
});

describe("settings of an application's session", () => {
  it.each([
    { IntervalStyle: "postgres_verbose", DateStyle: "SQL, DMY", TimeZone: "Asia/Kathmandu" },
    { IntervalStyle: "sql_standard", DateStyle: "German", TimeZone: "America/St_Johns" },
    { IntervalStyle: "iso_8601", DateStyle: "Postgres, MDY", TimeZone: "UTC" },
  ])("do not change what wrappers read: $IntervalStyle, $DateStyle", async (connection) => {
    const db = await make(createDatabase);
    const web = await new Scenario(db.sql).create();
    await vmstate(db.sql).configureInstance({
      instanceId: web.instanceId,
      autoRestartCooldown: "1 mon 2 days 3:04:05.6",
    });
    await db.sql`update vmstate.instance set time_state_updated = '2020-02-03T04:05:06.789Z', state_generation = 2`;
    const other = vmstate(db.connect({ connection }));
    const mine = vmstate(db.sql);
    const { instanceId } = web;
    const [row] = await other.apiInstances({ projectId: web.projectId });
    expect(row).toMatchObject({
      autoRestartCooldown: "1 mon 2 days 03:04:05.6",
      timeStateUpdated: new Date("2020-02-03T04:05:06.789Z"),
    });
    expect(row).toEqual(await mine.apiInstance({ instanceId }));
    const [stuck] = await other.stuckInstances();
    expect(stuck).toMatchObject({ instanceId, since: new Date("2020-02-03T04:05:06.789Z") });
    expect(stuck?.age).toMatch(/^\d+ days \d\d:\d\d:\d\d(\.\d+)?$/);
    const created = {
      id: randomUUID(),
      projectId: randomUUID(),
      name: "n",
      intendedState: "running" as const,
    };
    await other.createInstance({ ...created, autoRestartCooldown: 90 });
    expect(await mine.apiInstance({ instanceId: created.id })).toMatchObject({
      autoRestartCooldown: "00:01:30",
    });
  });
});
