import { describe, expect, it } from "vitest";
import {
  ConnectionError,
  type InvalidArgumentError,
  isRetryable,
  LockTimeoutError,
  SerializationError,
  vmstate,
} from "../../src/index.js";
import * as retry from "../../src/retry/index.js";
import { running, stopped } from "../../src/testing/index.js";
import { startPooler } from "../connection/pooler.js";
import { withDatabase } from "../support/database.js";
import { untilWaiting } from "../support/waiting.js";

const { retrying } = retry;
const db = withDatabase();

it("exports retrying and isRetryable", () => {
  expect(Object.keys(retry).sort()).toEqual(["isRetryable", "retrying"]);
  expect(retry.isRetryable).toBe(isRetryable);
});

describe("retrying", () => {
  it("calls once if the call succeeds, with what it was given, and returns what the call returned", async () => {
    const f = await stopped(db.sql);
    let calls = 0;
    const answer = await retrying(vmstate(db.sql), (vm) => {
      calls++;
      return vm.beginStart(f);
    });
    expect(answer).toMatchObject({ outcome: "applied", apiState: "starting" });
    expect(calls).toBe(1);
  });

  it("calls once if the error will not pass", async () => {
    const f = await running(db.sql);
    let calls = 0;
    const refused = retrying(vmstate(db.sql), (vm) => {
      calls++;
      return vm.renameInstance({ ...f, name: "" });
    });
    await expect(refused).rejects.toMatchObject({ argument: "name" } satisfies Partial<InvalidArgumentError>);
    expect(calls).toBe(1);
  });

  it("runs a transaction that lost a race again, in a fresh one, until it commits", async () => {
    const f = await running(db.sql);
    const sql = db.connect({ connection: { default_transaction_isolation: "serializable" } });
    const heard: unknown[] = [];
    let calls = 0;
    const answer = await retrying(
      sql,
      (sql) =>
        sql.begin(async (tx) => {
          await tx`select from vmstate.instance where id = ${f.instanceId}`;
          if (calls++ === 0) await vmstate(db.sql).requestStop(f);
          return await vmstate(tx).configureInstance({ ...f, autoRestartPolicy: "never" });
        }),
      { onRetry: (error, attempt) => heard.push([error.constructor, attempt]) },
    );
    expect(answer).toMatchObject({ outcome: "applied" });
    expect(heard).toEqual([[SerializationError, 1]]);
    expect(calls).toBe(2);
  });

  it("goes on when a lock is held for too long, until it is released", async () => {
    const f = await running(db.sql);
    const sql = db.connect({ max: 1, connection: { lock_timeout: 1 } });
    const holder = await db.sql.reserve();
    await holder`begin`;
    await holder`select from vmstate.instance where id = ${f.instanceId} for update`;
    const classes: unknown[] = [];
    const answer = await retrying(vmstate(sql), (vm) => vm.requestStop(f), {
      onRetry: (error) => {
        classes.push(error.constructor);
        if (classes.length === 2) void holder`commit`.execute();
      },
    });
    expect(answer).toMatchObject({ outcome: "applied" });
    expect(classes.slice(0, 2)).toEqual([LockTimeoutError, LockTimeoutError]);
    holder.release();
  });

  it("recognises what was committed although the answer was lost", async () => {
    const f = await stopped(db.sql);
    const proxy = await startPooler("ignores", db.url);
    const holder = await db.sql.reserve();
    await holder`begin`;
    await holder`select from vmstate.instance where id = ${f.instanceId} for update`;
    const { sql: lost, pid } = await throughProxy(proxy.url);
    let calls = 0;
    const answer = retrying(undefined, async () => {
      if (calls++ > 0) return await vmstate(db.sql).beginStart(f);
      const first = vmstate(lost).beginStart(f);
      await untilWaiting(db.sql, pid);
      await proxy[Symbol.asyncDispose]();
      return await first.finally(() => holder`commit`);
    });
    const { outcome } = await answer;
    expect(["applied", "unchanged"]).toContain(outcome);
    expect(calls).toBe(2);
    expect(await vmstate(db.sql).beginStart(f)).toMatchObject({ outcome: "unchanged" });
    holder.release();
  });

  it("gives up after so many attempts, with the last error", async () => {
    const proxy = await startPooler("ignores", db.url);
    await proxy[Symbol.asyncDispose]();
    const sql = db.connect({ port: Number(new URL(proxy.url).port), host: "127.0.0.1", backoff: false });
    const attempts: number[] = [];
    const lost = retrying(vmstate(sql), (vm) => vm.pendingUpdates(), {
      attempts: 3,
      onRetry: (_, attempt) => attempts.push(attempt),
    });
    await expect(lost).rejects.toBeInstanceOf(ConnectionError);
    expect(attempts).toEqual([1, 2]);
  });
});

async function throughProxy(url: string): Promise<{ sql: ReturnType<typeof db.connect>; pid: number }> {
  const { hostname: host, port } = new URL(url);
  const sql = db.connect({ host, port: Number(port), max: 1 });
  const [{ pid } = { pid: 0 }] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
  return { sql, pid };
}
