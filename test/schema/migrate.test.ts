import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type postgres from "postgres";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VmstateError } from "../../src/errors/vmstate-error.js";
import { migrate, type MigrateOptions } from "../../src/schema/migrate.js";
import { migrateFrom } from "../../src/schema/migrate-from.js";
import { createEmptyDatabase, type TestDatabase } from "../support/database.js";
import { PackageCopy } from "../support/package-copy.js";
import { untilWaiting } from "../support/waiting.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MIGRATIONS = join(ROOT, "migrations");
const names = readdirSync(MIGRATIONS).map((file) => file.replace(/\.sql$/, ""));

let db: TestDatabase;
let copy: PackageCopy;
beforeEach(async () => {
  db = await createEmptyDatabase();
  copy = new PackageCopy();
});
afterEach(async () => {
  await db.drop();
  copy[Symbol.dispose]();
});

/** The migration after those of the package, made up. */
const next = `${String(names.length + 1).padStart(4, "0")}_next`;
const afterNext = `${String(names.length + 2).padStart(4, "0")}_after_next`;

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

/** Applies what plain SQL would. */
async function applyByHand(sql: postgres.Sql, ...files: string[]): Promise<void> {
  for (const file of files)
    await sql.begin((transaction) => transaction.unsafe(copy.read(`migrations/${file}.sql`)));
}

const run = (options: MigrateOptions = {}): Promise<string[]> => migrateFrom(copy.root, db.url, options);

async function recorded(): Promise<string[]> {
  const rows = await db.sql<{ name: string }[]>`select name from vmstate.pgmigrations order by id`;
  return rows.map(({ name }) => name);
}

describe("migrate", () => {
  it("applies all migrations of the package once, and records them in both tables", async () => {
    expect(await migrate(db.url)).toEqual(names);
    expect(await migrate(db.url)).toEqual([]);
    expect(await recorded()).toEqual(names);
    const changes = await db.sql`select name, number from vmstate.schema_change order by number`;
    expect(changes.map(({ name }) => name as string)).toEqual(names);
    expect(changes.map(({ number }) => number as number)).toEqual(names.map((_, i) => i + 1));
  });

  it("makes the same database as the stock node-pg-migrate and plain SQL, and continues after either", async () => {
    await using stock = await createEmptyDatabase();
    await using plain = await createEmptyDatabase();
    await migrate(db.url);

    const cli = join(ROOT, "node_modules/node-pg-migrate/bin/node-pg-migrate.js");
    const env = { ...process.env, DATABASE_URL: stock.url };
    await promisify(execFile)(process.execPath, [cli, "up"], { cwd: ROOT, env, maxBuffer: 2 ** 26 });
    await applyByHand(plain.sql, ...names);

    const expected = await contents(db.sql);
    expect(expected.length).toBeGreaterThan(0);
    copy.migration(next, "create table vmstate.next ()");
    for (const other of [stock, plain]) {
      expect(await contents(other.sql)).toEqual(expected);
      expect(await migrate(other.url)).toEqual([]);
      expect(await other.sql`select name from vmstate.pgmigrations`).toEqual(names.map((name) => ({ name })));
      expect(await migrateFrom(copy.root, other.url)).toEqual([next]);
    }
  });

  it("twenty concurrent calls apply each migration once, in order", async () => {
    copy.migration(next, "create table vmstate.next ()");
    copy.migration(afterNext, "create table vmstate.after_next ()");
    const results = await Promise.all(Array.from({ length: 20 }, () => run()));
    expect(results.flat().sort()).toEqual([...names, next, afterNext]);
    expect(await recorded()).toEqual([...names, next, afterNext]);
    // node-pg-migrate's order
    const rows = await db.sql`select name from vmstate.pgmigrations order by run_on, id`;
    expect(rows.map(({ name }) => name as string)).toEqual([...names, next, afterNext]);
  });

  it("twenty concurrent calls apply each migration once where sessions are serializable by default", async () => {
    await db.sql.unsafe(
      `alter database ${new URL(db.url).pathname.slice(1)} set default_transaction_isolation = serializable`,
    );
    const results = await Promise.all(Array.from({ length: 20 }, () => run()));
    expect(results.flat().sort()).toEqual(names);
  });

  it("applies only what is pending, in order, and logs it", async () => {
    await run();
    copy.migration(next, "create table vmstate.next ()");
    copy.migration(afterNext, "create table vmstate.after_next () inherits (vmstate.next)");
    const lines: string[] = [];
    expect(await run({ log: (line) => lines.push(line) })).toEqual([next, afterNext]);
    expect(lines).toEqual([next, afterNext]);
  });

  it("rolls back a migration that fails, and keeps those before it", async () => {
    copy.migration(next, "create table vmstate.good ()");
    copy.migration(afterNext, "create table vmstate.bad ();\ncreate table vmstate.bad ()");
    const error = await failureOf(run());
    expect(error.message).toBe(
      `schema migration ${afterNext} failed and was rolled back: ${new URL(db.url).host}: relation "bad" already exists; a part of it may have been applied by hand: see \`vmstate doctor\``,
    );
    expect(error.cause).toMatchObject({ code: "42P07" });
    expect(await recorded()).toEqual([...names, next]);
    expect(
      await db.sql`select to_regclass('vmstate.good') as good, to_regclass('vmstate.bad') as bad`,
    ).toEqual([{ good: "vmstate.good", bad: null }]);
  });

  it("adds a label in one migration and uses it in the next", async () => {
    copy.migration(next, "alter type vmstate.outcome add value 'late'");
    copy.migration(afterNext, "create view vmstate.late as select 'late'::vmstate.outcome as outcome");
    expect(await run()).toEqual([...names, next, afterNext]);
  });

  it("waits for another migrator, for example node-pg-migrate, without a time limit of its own", async () => {
    const other = await db.sql.reserve();
    await other`select pg_advisory_lock(7241865325823964)`;
    const running = run();
    await untilWaiting(db.sql, await pidOfMigration());
    const error = await failureOf(run({ lockTimeout: "20ms" }));
    expect(error.message).toBe(
      "another session is migrating this database and did not finish in time: try again, or with a longer --lock-timeout",
    );
    await other`select pg_advisory_unlock(7241865325823964)`;
    other.release();
    expect(await running).toEqual(names);
  });

  it.each([
    ["a reader", "access share"],
    ["a VACUUM", "share update exclusive"],
  ])("fails after lockTimeout if a table is locked: %s", async (_, mode) => {
    await run();
    copy.migration(next, "alter table vmstate.vmm add extra text");
    await db.sql.begin(async (other) => {
      await other.unsafe(`lock vmstate.vmm in ${mode} mode`);
      const error = await failureOf(run({ lockTimeout: "20ms" }));
      expect(error.message).toBe(
        `schema migration ${next} failed and was rolled back: another session holds a lock that it did not release in time; try again, or with a longer --lock-timeout`,
      );
    });
    expect(await run()).toEqual([next]);
  });

  it("lets queries queued behind its lock run, and continues when the table is free", async () => {
    await run();
    copy.migration(next, "alter table vmstate.vmm add extra text");
    let running: ReturnType<typeof run> | undefined;
    await db.sql.begin(async (other) => {
      await other`lock vmstate.vmm in access share mode`;
      running = run();
      await untilWaiting(db.sql, await pidOfMigration());
      const behind = await db.sql`select count(*) from vmstate.vmm`;
      expect(behind).toHaveLength(1);
    });
    expect(await running).toEqual([next]);
  });

  it("refuses a malformed lockTimeout", async () => {
    const error = await failureOf(run({ lockTimeout: "soon" }));
    expect(error.message).toBe(`${new URL(db.url).host}: invalid value for parameter "lock_timeout": "soon"`);
  });

  it("accepts a newer database, unless a migration unknown to it is breaking", async () => {
    copy.migration(next, "select");
    await run();
    expect(await migrate(db.url)).toEqual([]);
    copy.migration(afterNext, "select", true);
    await run();
    expect((await failureOf(migrate(db.url))).message).toBe(
      `this database has ${afterNext}, a breaking schema migration that this vmstate does not know: use the release that has it`,
    );
  });

  it("installs into an existing empty schema", async () => {
    await db.sql`create schema vmstate`;
    expect(await run()).toEqual(names);
  });

  it("closes its connection before it returns", async () => {
    await run();
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

describe("fails with one line that names the cause:", () => {
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

  it("a wrong password, which is not repeated", async () => {
    const error = await failureOf(migrate(at({ password: "hunter2" })));
    expect(error.message).toBe(
      `${host()} refused user "${new URL(db.url).username}": wrong password, or no such user`,
    );
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
    expect(error.message).toBe(
      `user "${role}" may not create schema vmstate in database "${database}": have its owner run CREATE SCHEMA vmstate AUTHORIZATION "${role}"`,
    );
  });

  it("a user who may not log in", async () => {
    const role = `vmstate_test_nologin_${process.pid}`;
    await db.sql.unsafe(`create role ${role} password 'secret'`);
    const error = await failureOf(migrate(at({ username: role, password: "secret" })));
    await db.sql.unsafe(`drop role ${role}`);
    expect(error.message).toMatch(`${host()} refused user "${role}": role "${role}" is not permitted`);
  });

  const UNLIKE =
    /^schema vmstate has objects, vmstate\.schema_change has no row, and the schema equals no release; different from \d{4}_\w+: (missing .+, ){3}\d+ more; see `vmstate doctor`, or drop the schema if it is not vmstate's$/;

  it("a schema vmstate that another application made", async () => {
    await db.sql.unsafe("create schema vmstate; create table vmstate.instance ()");
    expect((await failureOf(run())).message).toMatch(UNLIKE);
  });

  it("a schema half made outside of a transaction", async () => {
    const text = copy.read(`migrations/${names[0] ?? ""}.sql`);
    for (const statement of text.slice(0, text.indexOf("CREATE TABLE vmstate.vmm")).split(";\n"))
      await db.sql.unsafe(statement);
    expect((await failureOf(run())).message).toMatch(UNLIKE);
  });

  it("a migration that was applied by hand in part", async () => {
    await run();
    await db.sql`alter table vmstate.vmm add extra text`;
    copy.migration(next, "alter table vmstate.vmm add extra text");
    expect((await failureOf(run())).message).toMatch(
      /a part of it may have been applied by hand: see `vmstate doctor`$/,
    );
  });

  it("migrations applied out of order", async () => {
    await run();
    copy.migration(next, "select");
    copy.migration(afterNext, "select");
    await applyByHand(db.sql, afterNext);
    expect((await failureOf(run())).message).toBe(
      `this database has schema migration ${afterNext} without ${next}: they were not applied in order`,
    );
  });

  it("another migration with the same number", async () => {
    await run();
    const other = next.replace("next", "other");
    copy.migration(other, "select");
    await applyByHand(db.sql, other);
    copy.remove(`migrations/${other}.sql`);
    copy.migration(next, "select");
    expect((await failureOf(run())).message).toBe(
      `this database has schema migration ${other}, and number ${names.length + 1} of this vmstate is ${next}: another package made it`,
    );
  });

  it("records that differ between pgmigrations and schema_change", async () => {
    await run();
    await db.sql`insert into vmstate.pgmigrations (name, run_on) values (${next}, now())`;
    expect((await failureOf(run())).message).toBe(
      `vmstate.pgmigrations has ${next}, vmstate.schema_change does not: one of the two tables was changed by hand`,
    );
  });

  it("a session that the server terminates during a migration", async () => {
    copy.migration(next, "select pg_terminate_backend(pg_backend_pid())");
    const error = await failureOf(run());
    expect(error.message).toMatch(/: terminating connection due to administrator command$/);
  });

  it("a network connection that breaks during a migration", async () => {
    copy.migration(next, "select 'break off'");
    const relay = createServer((socket) => {
      const server = connect(Number(new URL(db.url).port), new URL(db.url).hostname);
      socket.on("data", (data) => (data.includes("break off") ? socket.destroy() : server.write(data)));
      server.pipe(socket);
    });
    const port = await listen(relay);
    const error = await failureOf(migrateFrom(copy.root, at({ hostname: "127.0.0.1", port: String(port) })));
    relay.close();
    expect(error.message).toMatch(/: Connection terminated unexpectedly$/);
  });

  it("a file in migrations/ that is not a migration, or leaves a gap", async () => {
    const other = `migrations/${afterNext}.sql`;
    copy.migration(afterNext, "select");
    const number = names.length + 1;
    expect((await failureOf(run())).message).toBe(
      `${other} is no schema migration: expected NNNN_name.sql with the number ${number}`,
    );
    copy.remove(other);
    copy.write("migrations/README.md", "");
    expect((await failureOf(run())).message).toMatch(/^migrations\/README.md is no schema migration: /);
  });

  it("a migration that does not end with its record", async () => {
    copy.write(`migrations/${next}.sql`, "select 1;\n");
    expect((await failureOf(run())).message).toBe(
      `migrations/${next}.sql does not end with its record: INSERT INTO vmstate.schema_change (number, name, is_breaking) VALUES (${names.length + 1}, '${next}', false);`,
    );
  });

  it("a released file that was edited or is missing", async () => {
    const [name = ""] = names;
    const sha256 = createHash("sha256")
      .update(copy.read(`migrations/${name}.sql`))
      .digest("hex");
    const release = { version: "0.1.0", migrations: [{ name, sha256, breaking: false }], signatures: {} };
    copy.write("sql/released.json", JSON.stringify([release]));
    expect(await run()).toEqual(names);
    const message = `migrations/${name}.sql is not the released file: reinstall vmstate; a change needs a new schema migration`;
    copy.replace(`migrations/${name}.sql`, "CREATE", "create");
    expect((await failureOf(run())).message).toBe(message);
    copy.remove(`migrations/${name}.sql`);
    expect((await failureOf(run())).message).toBe(message);
  });
});

async function unusedPort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}
