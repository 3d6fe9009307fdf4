import { once } from "node:events";
import type postgres from "postgres";
import { describe, expect, it } from "vitest";
import { createEmptyDatabase, withDatabase } from "../support/database.js";
import { until } from "../support/until.js";
import { TestHost } from "./run-cli.js";

/** The key of node-pg-migrate's advisory lock. */
const MIGRATION_LOCK = "7241865325823964";

const db = withDatabase();

/** Sessions of the program that wait for a lock. */
async function waiting(sql: postgres.Sql): Promise<number> {
  const rows = await sql`
    select from pg_stat_activity
    where datname = current_database() and application_name like 'vmstate%'
      and cardinality(pg_blocking_pids(pid)) > 0`;
  return rows.length;
}

async function sessions(sql: postgres.Sql): Promise<number> {
  const rows = await sql`
    select from pg_stat_activity
    where datname = current_database() and application_name like 'vmstate%'`;
  return rows.length;
}

describe.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
])("%s", (signal, exitCode) => {
  it.each([
    ["status"],
    ["verify"],
    ["show", crypto.randomUUID()],
    ["explain", crypto.randomUUID()],
    ["demo"],
  ])("ends %s during a query and closes its connections", async (...args) => {
    const locker = await db.sql.reserve();
    await locker`begin`;
    await locker`lock table vmstate.instance in access exclusive mode`;
    const host = new TestHost();
    const running = host.run(...args, "--database-url", db.url);
    await until("the command waits", async () => (await waiting(db.sql)) === 1);
    host.emit(signal, signal);
    expect(await running).toMatchObject({ code: exitCode });
    expect(host.stderr.text).not.toContain("vmstate:");
    await locker`rollback`;
    locker.release();
    await until("its connections are gone", async () => (await sessions(db.sql)) === 0);
    expect(host.eventNames()).toEqual([]);
  });

  it("ends a migration that waits for another migrator", async () => {
    await using empty = await createEmptyDatabase();
    const locker = await empty.sql.reserve();
    await locker.unsafe(`select pg_advisory_lock(${MIGRATION_LOCK})`);
    const host = new TestHost();
    const running = host.run("migrate", "--database-url", empty.url);
    await until("the migration waits", async () => (await waiting(empty.sql)) === 1);
    host.emit(signal, signal);
    expect(await running).toEqual({ code: exitCode, stdout: "", stderr: "" });
    locker.release();
  });

  it("ends the start of the demo's own server, which is stopped", async () => {
    const host = new TestHost();
    const running = host.run("demo", "--database-url", "");
    await until("the demo starts a server", () => host.stderr.text.includes("starting"));
    host.emit(signal, signal);
    expect(await running).toMatchObject({ code: exitCode, stdout: "" });
  });
});

it("leaves a second signal to the process, which it ends", async () => {
  const host = new TestHost();
  const running = host.run("demo", "--database-url", "");
  host.emit("SIGINT", "SIGINT");
  expect(host.eventNames()).toEqual([]);
  expect(await running).toMatchObject({ code: 130 });
});

it("exits 141 without a message when its reader closes the pipe", async () => {
  const host = new TestHost();
  host.stdout.failure = Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
  const gone = once(host.stdout, "error");
  expect(await host.run("demo", "--database-url", db.url)).toMatchObject({ code: 141, stderr: "" });
  await gone;
});
