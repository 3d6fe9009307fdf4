import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type postgres from "postgres";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VmstateError } from "../src/errors.js";
import { migrate, runMigrations } from "../src/migrate.js";
import { createEmptyDatabase, type TestDatabase } from "./harness/database.js";
import { untilWaiting } from "./harness/waiting.js";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const MIGRATIONS = join(ROOT, "migrations");
const names = readdirSync(MIGRATIONS).map((file) => file.replace(/\.sql$/, ""));

let db: TestDatabase;
let dir: string;
beforeEach(async () => {
  db = await createEmptyDatabase();
  dir = mkdtempSync(join(tmpdir(), "vmstate-migrations-"));
});
afterEach(async () => {
  await db.drop();
  rmSync(dir, { recursive: true });
});

function write(name: string, text: string): void {
  writeFileSync(join(dir, `${name}.sql`), text);
}

async function failureOf(promise: Promise<unknown>): Promise<VmstateError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(VmstateError);
  return error as VmstateError;
}

/** The names of all that the schema contains, but the bookkeeping of the migrations. */
async function contents(sql: postgres.Sql): Promise<string[]> {
  const objects = await sql<{ object: string }[]>`
    select format('%s %s', classid::regclass, pg_describe_object(classid, objid, 0)) as object
    from pg_depend
    where refclassid = 'pg_namespace'::regclass and refobjid = to_regnamespace('vmstate') and deptype = 'n'
    order by object`;
  return objects.map(({ object }) => object).filter((object) => !object.includes("pgmigrations"));
}

describe("migrate", () => {
  it("applies all migrations of the package, once", async () => {
    expect(await migrate(db.url)).toEqual(names.toSorted());
    expect(await migrate(db.url)).toEqual([]);
    const applied = await db.sql`select name from vmstate.pgmigrations order by id`;
    expect(applied.map(({ name }) => name as string)).toEqual(names.toSorted());
  });

  it("leaves what the stock node-pg-migrate and plain SQL leave", async () => {
    await using stock = await createEmptyDatabase();
    await using plain = await createEmptyDatabase();
    await migrate(db.url);

    const cli = join(ROOT, "node_modules/node-pg-migrate/bin/node-pg-migrate.js");
    const env = { ...process.env, DATABASE_URL: stock.url };
    await promisify(execFile)(process.execPath, [cli, "up"], { cwd: ROOT, env });

    for (const file of readdirSync(MIGRATIONS).sort()) {
      const text = readFileSync(join(MIGRATIONS, file), "utf8");
      await plain.sql.begin((transaction) => transaction.unsafe(text));
    }

    const expected = await contents(db.sql);
    expect(expected.length).toBeGreaterThan(0);
    expect(await contents(stock.sql)).toEqual(expected);
    expect(await contents(plain.sql)).toEqual(expected);
  });

  it("lets one of several callers do the work; the others wait and find nothing to do", async () => {
    const results = await Promise.all(Array.from({ length: 5 }, () => migrate(db.url)));
    expect(results.filter((applied) => applied.length > 0)).toEqual([names.toSorted()]);
  });
});

describe("runMigrations", () => {
  it("applies only what is pending, in the order of the names, and logs it", async () => {
    write("0001_first", "create table first ()");
    const lines: string[] = [];
    expect(await runMigrations(db.url, dir)).toEqual(["0001_first"]);
    write("0003_third", "create table third () inherits (second)");
    write("0002_second", "create table second () inherits (first)");
    const applied = await runMigrations(db.url, dir, { log: (line) => lines.push(line) });
    expect(applied).toEqual(["0002_second", "0003_third"]);
    expect(lines).toContain("> - 0002_second");
    expect(lines.join()).not.toContain("\n");
  });

  it("keeps nothing of a run in which one migration fails", async () => {
    write("0001_good", "create table good ()");
    write("0002_bad", "create table bad ();\ncreate table bad ()");
    const error = await failureOf(runMigrations(db.url, dir));
    expect(error.message).toBe(`${new URL(db.url).host}: relation "bad" already exists`);
    expect(error.cause).toMatchObject({ code: "42P07" });
    expect(await db.sql`select to_regclass('good') as good`).toEqual([{ good: null }]);
  });

  it("waits for somebody else who is migrating", async () => {
    write("0001_first", "create table first ()");
    const other = await db.sql.reserve();
    await other`select pg_advisory_lock(7241865325823964)`;
    const running = runMigrations(db.url, dir);
    await untilWaiting(db.sql, await pidOfMigration());
    await other`select pg_advisory_unlock(7241865325823964)`;
    other.release();
    expect(await running).toEqual(["0001_first"]);
  });

  it("has closed its connection when it returns", async () => {
    write("0001_first", "create table first ()");
    await runMigrations(db.url, dir);
    await expect.poll(sessions).toEqual([]);
  });

  const sessions = async (): Promise<number[]> => {
    const rows = await db.sql<{ pid: number }[]>`
      select pid from pg_stat_activity
      where datname = current_database() and application_name = 'vmstate migrate'`;
    return rows.map(({ pid }) => pid);
  };

  async function pidOfMigration(): Promise<number> {
    await expect.poll(sessions).toHaveLength(1);
    const [pid] = await sessions();
    return Number(pid);
  }
});

describe("one line says why it failed:", () => {
  const at = (change: Partial<URL>): string => Object.assign(new URL(db.url), change).href;
  const host = (): string => new URL(db.url).host;

  it("not a URL", async () => {
    const message = "not a database URL; expected postgres://user:password@host:port/database";
    for (const url of ["", "mydb", "mysql://root:secret@localhost/db", "postgres://host:port:port/db"]) {
      expect((await failureOf(migrate(url))).message).toBe(message);
    }
  });

  it("no server at the port", async () => {
    const port = await unusedPort();
    const error = await failureOf(migrate(`postgres://u:p@127.0.0.1:${port}/db`));
    expect(error.message).toBe(
      `cannot reach PostgreSQL at 127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}`,
    );
  });

  it("no such host", async () => {
    const error = await failureOf(migrate("postgres://u:p@nowhere.invalid:5432/db"));
    expect(error.message).toMatch(/^cannot reach PostgreSQL at nowhere\.invalid:5432: getaddrinfo E/);
  });

  it("wrong password, which the line does not repeat", async () => {
    const error = await failureOf(migrate(at({ password: "hunter2" })));
    expect(error.message).toBe(`${host()} knows no user "${new URL(db.url).username}" with this password`);
  });

  it("no such database", async () => {
    const error = await failureOf(migrate(at({ pathname: "/no_such_database" })));
    expect(error.message).toBe(`${host()} has no database "no_such_database"`);
  });

  it("a user without rights", async () => {
    const role = `vmstate_test_role_${process.pid}`;
    await db.sql.unsafe(`create role ${role} login password 'secret'`);
    const error = await failureOf(migrate(at({ username: role, password: "secret" })));
    await db.sql.unsafe(`drop role ${role}`);
    const database = new URL(db.url).pathname.slice(1);
    expect(error.message).toBe(`user "${role}" lacks a right: permission denied for database ${database}`);
  });

  it("a user who may not log in", async () => {
    const role = `vmstate_test_nologin_${process.pid}`;
    await db.sql.unsafe(`create role ${role} password 'secret'`);
    const error = await failureOf(migrate(at({ username: role, password: "secret" })));
    await db.sql.unsafe(`drop role ${role}`);
    expect(error.message).toMatch(
      `${host()} does not let user "${role}" in: role "${role}" is not permitted`,
    );
  });

  it("a schema that was installed another way", async () => {
    await db.sql.unsafe("create schema vmstate; create table vmstate.instance ()");
    const error = await failureOf(migrate(db.url));
    expect(error.message).toBe(
      "schema vmstate is there without vmstate.pgmigrations: migrate it as it was installed",
    );
  });

  it("a read-only database", async () => {
    await db.sql.unsafe(
      `alter database ${new URL(db.url).pathname.slice(1)} set default_transaction_read_only = on`,
    );
    const error = await failureOf(migrate(db.url));
    expect(error.message).toMatch(/^database "vmstate_test_\w+" is read-only: cannot execute CREATE SCHEMA/);
  });

  it("a connection lost half-way", async () => {
    write("0001_suicide", "select pg_terminate_backend(pg_backend_pid())");
    const error = await failureOf(runMigrations(db.url, dir));
    expect(error.message).toBe(`${host()}: Connection terminated unexpectedly`);
  });

  it("a directory with something else in it", async () => {
    writeFileSync(join(dir, "README.md"), "");
    const error = await failureOf(runMigrations(db.url, dir));
    expect(error.message.startsWith(`${host()}: Error loading migration files: `)).toBe(true);
  });
});

async function unusedPort(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" ? String(address?.port) : "";
}
