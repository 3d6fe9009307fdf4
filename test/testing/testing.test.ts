import { randomBytes } from "node:crypto";
import postgres from "postgres";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, vi } from "vitest";
import { VmstateError } from "../../src/errors/vmstate-error.js";
import { createTestDatabase, type TestDatabase } from "../../src/testing/index.js";
import { timeOf } from "../../src/testing/names.js";
import { until } from "../support/until.js";

/** A role that may create databases and nothing else, so that what there is of it is of this test. */
let role: string;
let serverUrl: string;
let admin: postgres.Sql;
beforeAll(() => {
  admin = postgres(inject("serverUrl"), { onnotice: () => undefined });
});
afterAll(() => admin.end());
beforeEach(async () => {
  role = `vmstate_test_role_${randomBytes(6).toString("hex")}`;
  await admin.unsafe(`create role ${role} login createdb password 'secret'`);
  serverUrl = Object.assign(new URL(inject("serverUrl")), { username: role, password: "secret" }).href;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const name of await databases()) await admin`drop database ${admin(name)} with (force)`;
  await admin.unsafe(`drop role ${role}`);
});

async function databases(like = "%"): Promise<string[]> {
  const rows = await admin<{ name: string }[]>`
    select datname as name from pg_database
    where pg_get_userbyid(datdba) = ${role} and datname like ${like} order by name`;
  return rows.map(({ name }) => name);
}

const templates = (): Promise<string[]> => databases("vmstate\\_template\\_%");

async function failureOf(promise: Promise<unknown>): Promise<VmstateError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(VmstateError);
  return error as VmstateError;
}

const nameOf = ({ url }: TestDatabase): string => new URL(url).pathname.slice(1);

describe("createTestDatabase", () => {
  it("makes a migrated, empty database that shares no table with another", async () => {
    await using one = await createTestDatabase({ serverUrl });
    await using other = await createTestDatabase({ serverUrl });
    await one.sql`create table mark ()`;
    for (const { sql, mark } of [
      { ...one, mark: "mark" },
      { ...other, mark: null },
    ])
      expect(
        await sql`select to_regclass('mark') as mark, count(*)::integer as instances from vmstate.instance`,
      ).toEqual([{ mark, instances: 0 }]);
  });

  it("migrates once for concurrent and later calls", async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => createTestDatabase({ serverUrl })));
    const [template, ...others] = await templates();
    expect(others).toEqual([]);
    expect(new Set(all.map(({ url }) => url)).size).toBe(8);
    await Promise.all(all.map(({ close }) => close()));
    await using later = await createTestDatabase({ serverUrl });
    expect(await databases()).toEqual([template, nameOf(later)].sort());
  });

  it("drops the database on close(), even under clients, and only once", async () => {
    const database = await createTestDatabase({ serverUrl });
    const client = postgres(database.url, { max: 1 });
    await client`select`;
    expect(await databases()).toContain(nameOf(database));
    await database.close();
    expect(await databases()).not.toContain(nameOf(database));
    await database.close();
    await expect(database.sql`select`).rejects.toThrow();
    await client.end();
  });

  it("drops the database on close() while an autovacuum worker is in it", async () => {
    const database = await createTestDatabase({ serverUrl });
    const client = postgres(database.url, { max: 1 });
    await client`
      create table slow with (autovacuum_vacuum_insert_threshold = 0, autovacuum_vacuum_insert_scale_factor = 0,
        autovacuum_vacuum_cost_limit = 1, autovacuum_vacuum_cost_delay = 100)
      as select repeat('x', 1000) from generate_series(1, 20000)`;
    await admin.unsafe("alter system set autovacuum_naptime = 1");
    await admin`select pg_reload_conf()`;
    try {
      const isThere = async (): Promise<boolean> =>
        (
          await admin`select from pg_stat_activity
          where datname = ${nameOf(database)} and backend_type = 'autovacuum worker'`
        ).length > 0;
      await until("an autovacuum worker is in the database", isThere, 110_000);
      await database.close();
    } finally {
      await admin.unsafe("alter system reset autovacuum_naptime");
      await admin`select pg_reload_conf()`;
    }
    expect(await databases()).not.toContain(nameOf(database));
    await client.end();
  });

  it("drops the database at the end of an `await using` block", async () => {
    {
      await using database = await createTestDatabase({ serverUrl });
      expect(await databases()).toContain(nameOf(database));
    }
    expect(await databases("vmstate\\_test\\_%")).toEqual([]);
  });
});

describe("the server of a test database", () => {
  it("is that of TEST_DATABASE_URL, unless serverUrl is given", async () => {
    vi.stubEnv("TEST_DATABASE_URL", serverUrl);
    await using database = await createTestDatabase();
    expect(await databases()).toContain(nameOf(database));
    vi.stubEnv("TEST_DATABASE_URL", "postgres://nowhere.invalid/db");
    await using other = await createTestDatabase({ serverUrl });
    expect(await databases()).toContain(nameOf(other));
  });

  it("may be that of another test database", async () => {
    await using first = await createTestDatabase({ serverUrl });
    await using second = await createTestDatabase({ serverUrl: first.url });
    expect(await databases()).toContain(nameOf(second));
  });

  it("is otherwise one embedded server for all databases of the process", async () => {
    vi.stubEnv("TEST_DATABASE_URL", "");
    await using first = await createTestDatabase();
    await using second = await createTestDatabase();
    expect(new URL(first.url).host).toBe(new URL(second.url).host);
    expect(new URL(first.url).host).not.toBe(new URL(serverUrl).host);
    expect(await first.sql`select count(*)::integer as violations from vmstate.invariant_violation`).toEqual([
      { violations: 0 },
    ]);
  });
});

describe("a database that a killed process left", () => {
  const PART = randomBytes(6).toString("hex");
  const old = (prefix: string): string => `${prefix}_20250101000000_${PART}`;
  const today = `${timeOf(Date.now())}_${PART}`;

  async function leave(...names: string[]): Promise<void> {
    for (const name of names)
      await admin`create database ${admin(name)} owner ${admin(role)} template template0`;
  }

  it("is dropped after a day, and no other database is", async () => {
    const kept = [`vmstate_test_${today}`, `vmstate_template_${PART}_${today}`, `vmstate_test_of_${PART}`];
    await leave(old("vmstate_test"), old(`vmstate_template_${PART}`), ...kept);
    await using database = await createTestDatabase({ serverUrl });
    const all = new Set([...kept, ...(await templates()), nameOf(database)]);
    expect(await databases()).toEqual([...all].sort());
  });

  it("is kept while a client is connected to it", async () => {
    await leave(old("vmstate_test"));
    const client = postgres(new URL(old("vmstate_test"), serverUrl).href, { max: 1 });
    await client`select`;
    await using database = await createTestDatabase({ serverUrl });
    expect(await databases("vmstate\\_test\\_%")).toEqual([old("vmstate_test"), nameOf(database)]);
    await client.end();
  });

  it("is kept if it cannot be dropped", async () => {
    await leave(old("vmstate_test"));
    await admin`alter database ${admin(old("vmstate_test"))} with is_template true`;
    await using database = await createTestDatabase({ serverUrl });
    expect(await databases("vmstate\\_test\\_%")).toEqual([old("vmstate_test"), nameOf(database)]);
    await admin`alter database ${admin(old("vmstate_test"))} with is_template false`;
  });

  it("is not used as a template if it is half made or 13 hours old", async () => {
    await using first = await createTestDatabase({ serverUrl });
    const [template = ""] = await templates();
    await admin`alter database ${admin(template)} with allow_connections true`;
    await using second = await createTestDatabase({ serverUrl });
    expect(await templates()).toHaveLength(2);
    const [done = ""] = (await templates()).filter((name) => name !== template);
    const thirteenHoursAgo = timeOf(Date.now() - 13 * 3_600_000);
    await admin`alter database ${admin(done)} rename to ${admin(done.replace(/\d{14}/, thirteenHoursAgo))}`;
    await using third = await createTestDatabase({ serverUrl });
    expect(await templates()).toHaveLength(3);
    expect(new Set([first, second, third].map(nameOf)).size).toBe(3);
  });
});

describe("createTestDatabase fails with one line", () => {
  it("and leaves no database, when the migration fails", async () => {
    await admin.unsafe(`alter role ${role} connection limit 1`);
    const error = await failureOf(createTestDatabase({ serverUrl }));
    expect(error.message).toBe(`${new URL(serverUrl).host}: too many connections for role "${role}"`);
    expect(await databases()).toEqual([]);
  });

  it("when the user may not create databases", async () => {
    await admin.unsafe(`alter role ${role} nocreatedb`);
    const error = await failureOf(createTestDatabase({ serverUrl }));
    expect(error.message).toBe(`user "${role}" lacks a privilege: permission denied to create database`);
  });

  it("when the server cannot be reached, or serverUrl is not a URL", async () => {
    const unreachable = await failureOf(
      createTestDatabase({ serverUrl: "postgres://u:p@nowhere.invalid/db" }),
    );
    expect(unreachable.message).toMatch(/^cannot reach PostgreSQL at nowhere\.invalid: getaddrinfo E/);
    const noUrl = await failureOf(createTestDatabase({ serverUrl: "nowhere" }));
    expect(noUrl.message).toBe("not a database URL; expected postgres://user:password@host:port/database");
  });
});
