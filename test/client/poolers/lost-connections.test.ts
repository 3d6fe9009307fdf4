import { randomUUID } from "node:crypto";
import postgres from "postgres";
import { expect, it } from "vitest";
import { apiInstance, createInstance, requestStop } from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import { startResettingProxy } from "../../support/resetting-proxy.js";
import { until } from "../../support/until.js";

const db = withDatabase();

it("a lost connection rejects waiting and later calls of a reserved client, and the pool answers again", async () => {
  const id = randomUUID();
  await createInstance(db.sql, { id, projectId: id, name: "web", intendedState: "running" });
  await using proxy = await startResettingProxy(db.url);
  const pool = postgres(proxy.url, { max: 2, onnotice: () => undefined });
  const sql = await pool.reserve();
  const [session] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
  await db.sql.begin(async (tx) => {
    await tx`select from vmstate.instance where id = ${id} for update`;
    const calls = [1, 2, 3].map(() => requestStop(sql, { instanceId: id }));
    const settled = Promise.allSettled(calls);
    await until("a call waits", async () => {
      const rows = await tx`select from pg_stat_activity
        where pid = ${session?.pid ?? 0} and cardinality(pg_blocking_pids(pid)) > 0`;
      return rows.length > 0;
    });
    proxy.reset();
    const lost = { status: "rejected", reason: { code: "ECONNRESET" } };
    expect(await settled).toMatchObject([lost, lost, lost]);
  });
  await expect(requestStop(sql, { instanceId: id })).rejects.toMatchObject({ code: "ECONNRESET" });
  await until("the pool answers again", () =>
    apiInstance(pool, { instanceId: id }).then(
      (row) => row?.id === id,
      () => false,
    ),
  );
  await pool.end({ timeout: 0 });
});

it("a call that the database refuses leaves the others of a reserved client alone", async () => {
  const sql = await db.connect({ max: 1 }).reserve();
  const refused = createInstance(sql, { id: "no uuid", projectId: "", name: "", intendedState: "running" });
  const [refusal, answer] = await Promise.allSettled([
    refused,
    requestStop(sql, { instanceId: randomUUID() }),
  ]);
  expect(refusal).toMatchObject({ status: "rejected", reason: { code: "22P02" } });
  expect(answer).toMatchObject({ status: "fulfilled", value: { outcome: "not_found" } });
  sql.release();
});
