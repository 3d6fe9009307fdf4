import postgres from "postgres";
import { describe, expect, inject, it, vi } from "vitest";
import { createDatabase, createEmptyDatabase, type TestDatabase, withDatabase } from "./database.js";
import { startTestServer } from "./servers.js";
import { until } from "./until.js";
import { untilWaiting } from "./waiting.js";

const db = withDatabase();

async function exists(name: string): Promise<boolean> {
  const admin = postgres(inject("serverUrl"), { max: 1 });
  const found = await admin`select from pg_database where datname = ${name}`;
  await admin.end();
  return found.length === 1;
}

const nameOf = (database: TestDatabase): string => new URL(database.url).pathname.slice(1);

describe("createDatabase", () => {
  it("is a copy of the migrated template", async () => {
    const [row] = await db.sql`select to_regclass('vmstate.pgmigrations') is not null as migrated`;
    expect(row).toEqual({ migrated: true });
  });

  it("shares no table with another database", async () => {
    const other = await createDatabase();
    await other.sql`create table mark ()`;
    const [row] = await db.sql`select to_regclass('mark') as mark`;
    await other.drop();
    expect(row).toEqual({ mark: null });
  });

  it("is dropped while clients are busy, and closes them", async () => {
    const other = await createDatabase();
    const client = other.connect({ max: 1 });
    const [{ pid }] = await client<[{ pid: number }]>`select pg_backend_pid() as pid`;
    // Nothing waits for its end. A lock would not do: its holder is closed as well, and the client may get it first.
    const busy = client`select pg_sleep(60)`.catch((error: unknown) => error);
    await until("the client is busy", async () => {
      const active = await db.sql`select from pg_stat_activity where pid = ${pid} and wait_event = 'PgSleep'`;
      return active.length > 0;
    });
    await other.drop();
    expect(await exists(nameOf(other))).toBe(false);
    expect(await busy).toBeInstanceOf(Error);
    await expect(other.sql`select 1`).rejects.toThrow();
  });

  it("is dropped at the end of an `await using` block", async () => {
    let name: string;
    {
      await using other = await createDatabase();
      name = nameOf(other);
      expect(await exists(name)).toBe(true);
    }
    expect(await exists(name)).toBe(false);
  });
});

it("createEmptyDatabase has no schema vmstate", async () => {
  await using empty = await createEmptyDatabase();
  const [row] = await empty.sql`select to_regnamespace('vmstate') as schema`;
  expect(row).toEqual({ schema: null });
});

describe("untilWaiting", () => {
  it("resolves when the session waits for another session's lock, and not before", async () => {
    const holder = await db.sql.reserve();
    const waiter = await db.sql.reserve();
    const [{ pid }] = await waiter<[{ pid: number }]>`select pg_backend_pid() as pid`;
    await holder`select pg_advisory_lock(1)`;
    await expect(untilWaiting(db.sql, pid, 50)).rejects.toThrow(
      `session ${pid} waits for no lock after 50 ms`,
    );

    const locked = waiter`select pg_advisory_lock(1)`.then(() => "locked");
    await untilWaiting(db.sql, pid);
    await holder`select pg_advisory_unlock(1)`;
    expect(await locked).toBe("locked");
    holder.release();
    waiter.release();
  });

  it("rejects when there is no such session", async () => {
    await expect(untilWaiting(db.sql, 0)).rejects.toThrow("session 0 is gone");
  });
});

describe("startTestServer", () => {
  it("takes the server at TEST_DATABASE_URL, even if TEST_DB is set", async () => {
    const server = await startTestServer({ TEST_DATABASE_URL: "postgres://somewhere/db", TEST_DB: "system" });
    expect(server).toMatchObject({ kind: "given", url: "postgres://somewhere/db" });
  });

  it("refuses an unknown TEST_DB", async () => {
    await expect(startTestServer({ TEST_DB: "oracle" })).rejects.toThrow("TEST_DB is oracle, not auto,");
  });

  it("refuses a TEST_PG_MAJOR that the operating system lacks", async () => {
    vi.stubEnv("TEST_PG_MAJOR", "9");
    await expect(startTestServer({ TEST_DB: "system" })).rejects.toThrow(/^no PostgreSQL 9 in /);
    vi.unstubAllEnvs();
  });
});
