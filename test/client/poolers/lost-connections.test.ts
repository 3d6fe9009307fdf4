import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import postgres from "postgres";
import { describe, expect, it } from "vitest";
import { apiInstance, createInstance, requestStop } from "../../../src/index.js";
import { execute } from "../../package/commands.js";
import { withDatabase } from "../../support/database.js";
import { hasPgBouncer, startPgBouncer, withPgBouncer } from "../../support/pgbouncer.js";
import { startResettingProxy } from "../../support/resetting-proxy.js";
import { until } from "../../support/until.js";
import { CLIENTS } from "./clients.js";

const FIXTURE = fileURLToPath(new URL("lost-transaction.fixture.ts", import.meta.url));

const db = withDatabase();

const LOST = { status: "rejected", reason: { name: "ConnectionError" } };

describe.each([
  ["whose answers arrive", false],
  ["none of whose answers arrives", true],
])("a reserved client %s", (_, isHeld) => {
  it("loses its connection: waiting and later calls reject, and the pool answers again", async () => {
    const id = randomUUID();
    await createInstance(db.sql, { instanceId: id, projectId: id, name: "web", intendedState: "running" });
    await using proxy = await startResettingProxy(db.url);
    const pool = postgres(proxy.url, { max: 2, onnotice: () => undefined });
    const sql = await pool.reserve();
    const [session] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
    if (isHeld) proxy.hold();
    await db.sql.begin(async (tx) => {
      await tx`select from vmstate.instance where id = ${id} for update`;
      const calls = [1, 2, 3].map(() => requestStop(sql, { instanceId: id }));
      const settled = Promise.allSettled(calls);
      await until("a call waits", () => isBlocked(tx, session?.pid ?? 0));
      proxy.reset();
      expect(await settled).toMatchObject([LOST, LOST, LOST]);
    });
    const later = await Promise.allSettled([requestStop(sql, { instanceId: id })]);
    expect(later).toMatchObject([LOST]);
    await until("the pool answers again", () =>
      apiInstance(pool, { instanceId: id }).then(
        (row) => row?.id === id,
        () => false,
      ),
    );
    await Promise.all([pool`select 1`, pool`select 2`]); // Both connections live again, so that each can end.
    await pool.end();
  });
});

it("a call that the database refuses leaves the others of a reserved client alone", async () => {
  const sql = await db.connect({ max: 1 }).reserve();
  const refused = createInstance(sql, {
    instanceId: "no uuid",
    projectId: "",
    name: "",
    intendedState: "running",
  });
  const [refusal, answer] = await Promise.allSettled([
    refused,
    requestStop(sql, { instanceId: randomUUID() }),
  ]);
  expect(refusal).toMatchObject({ status: "rejected", reason: { code: "22P02" } });
  expect(answer).toMatchObject({ status: "fulfilled", value: { outcome: "not_found" } });
  sql.release();
});

it("a lost connection rejects waiting and later calls of a transaction, and the transaction", async () => {
  const instanceId = randomUUID();
  await createInstance(db.sql, { instanceId, projectId: instanceId, name: "db", intendedState: "running" });
  const args = ["--import", "tsx", FIXTURE, db.url, instanceId];
  const { code, stdout } = await execute(process.cwd(), {}, process.execPath, ...args);
  const lost = "ConnectionError";
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${[lost, lost, lost, lost].join(" ")} rejected\n` });
});

describe.skipIf(!hasPgBouncer)(withPgBouncer, () => {
  it.each(Object.entries(CLIENTS))("killed: every call through %s rejects", async (_, connect) => {
    const instanceId = randomUUID();
    await createInstance(db.sql, {
      instanceId,
      projectId: instanceId,
      name: "web",
      intendedState: "running",
    });
    await using pooler = await startPgBouncer(db.url, { mode: "transaction", size: 4 });
    await using client = await connect(pooler.url, 3);
    await apiInstance(client.sql, { instanceId });
    await db.sql.begin(async (tx) => {
      await tx`select from vmstate.instance where id = ${instanceId} for update`;
      const settled = Promise.allSettled(
        Array.from({ length: 6 }, () => requestStop(client.sql, { instanceId })),
      );
      await until("a call waits", async () => (await waiting(tx)) > 0);
      await pooler.kill();
      for (const each of await settled) expect(each).toMatchObject(LOST);
    });
  });
});

async function isBlocked(sql: postgres.TransactionSql, pid: number): Promise<boolean> {
  const rows = await sql`
    select from pg_stat_activity where pid = ${pid} and cardinality(pg_blocking_pids(pid)) > 0`;
  return rows.length > 0;
}

async function waiting(sql: postgres.TransactionSql): Promise<number> {
  const rows = await sql`
    select from pg_stat_activity
     where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0`;
  return rows.length;
}
