import { randomUUID } from "node:crypto";
import pg from "pg";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  apiInstance,
  assertCompatible,
  createInstance,
  finishInstanceCreation,
  type QueryClient,
  type SqlClient,
} from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import { hasPgBouncer, type PgBouncer, startPgBouncer, withPgBouncer } from "../../support/pgbouncer.js";
import { CLIENTS } from "./clients.js";

const CALLERS = 48;
const CLIENT_CONNECTIONS = 10;

const db = withDatabase();

/** Creates an instance by several calls, and reads it. */
async function create(sql: SqlClient, name: string): Promise<void> {
  const id = randomUUID();
  await createInstance(sql, { instanceId: id, projectId: id, name, intendedState: "running" });
  expect(await finishInstanceCreation(sql, { instanceId: id })).toMatchObject({ outcome: "applied" });
  expect(await apiInstance(sql, { instanceId: id })).toMatchObject({ id, name, state: "stopped" });
}

/** Lets many callers work at the same time; returns how each ended. */
async function outcomes(create: (name: string) => Promise<unknown>): Promise<string[]> {
  const calls = Array.from({ length: CALLERS }, (_, at) => create(`instance-${at}`));
  const settled = await Promise.allSettled(calls);
  return settled.map((each) => (each.status === "fulfilled" ? "done" : String(codeOf(each.reason))));
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : error;
}

const ALL_DONE = Array<string>(CALLERS).fill("done");

const MODES = ["transaction", "session"] as const;

describe.skipIf(!hasPgBouncer)(withPgBouncer, () => {
  describe.each(MODES.flatMap((mode) => [1, 4, 12].map((size) => ({ mode, size }))))(
    "in $mode mode with $size server connections",
    ({ mode, size }) => {
      let pooler: PgBouncer;
      beforeAll(async () => {
        pooler = await startPgBouncer(db.url, { mode, size });
      });
      afterAll(() => pooler[Symbol.asyncDispose]());

      /** A session that a client keeps is another client's no more. */
      const max = mode === "session" ? Math.min(size, CLIENT_CONNECTIONS) : CLIENT_CONNECTIONS;

      it.each(Object.entries(CLIENTS))("every call answers through %s", async (_, connect) => {
        await using client = await connect(pooler.url, max);
        expect(await outcomes((name) => create(client.sql, name))).toEqual(ALL_DONE);
        expect(await outcomes((name) => create(client.sql, name))).toEqual(ALL_DONE);
      });

      it.each(Object.entries(CLIENTS))("every transaction commits through %s", async (_, connect) => {
        await using client = await connect(pooler.url, max);
        const run = (name: string): Promise<unknown> => client.transaction((tx) => create(tx, name));
        expect(await outcomes(run)).toEqual(ALL_DONE);
      });

      const isSound = ([name]: [string, unknown]): boolean => mode === "session" || name !== "postgres.js";
      it.each(Object.entries(CLIENTS).filter(isSound))(
        "the database is found compatible through %s",
        async (_, connect) => {
          await using client = await connect(pooler.url, max);
          await assertCompatible(client.sql);
          await outcomes((name) => create(client.sql, name));
          await assertCompatible(client.sql);
        },
      );
    },
  );

  describe.each([1, 4, 12])("in transaction mode with %i server connections", (size) => {
    let pooler: PgBouncer;
    beforeAll(async () => {
      pooler = await startPgBouncer(db.url, { mode: "transaction", size });
    });
    afterAll(() => pooler[Symbol.asyncDispose]());

    it("assertCompatible tells a client of postgres.js that prepares what to set", async () => {
      const sql = postgres(pooler.url);
      const refused = assertCompatible(sql);
      await expect(refused).rejects.toMatchObject({
        name: "IncompatibleDatabaseError",
        reason: "pooler",
        detail: expect.stringContaining("a pooler runs the transactions of this client") as string,
        hint: expect.stringContaining("`prepare: false`, and `max_pipeline=0` in the URL") as string,
      });
      await sql.end();
    });
  });

  it("assertCompatible answers a client of postgres.js with one connection, and tells one with two what to set", async () => {
    await using pooler = await startPgBouncer(db.url, { mode: "transaction", size: 1 });
    const [one, two] = [postgres(pooler.url, { max: 1 }), postgres(pooler.url, { max: 2 })];
    await assertCompatible(one);
    await expect(assertCompatible(two)).rejects.toMatchObject({ reason: "pooler" });
    await Promise.all([one.end(), two.end()]);
  });

  it.each([1, 4, 12])(
    "statements of a service are answered beside calls with the settings that assertCompatible names, %i",
    async (size) => {
      await using pooler = await startPgBouncer(db.url, { mode: "transaction", size });
      const url = new URL(pooler.url);
      url.searchParams.set("max_pipeline", "0");
      const sql = postgres(url.href, { prepare: false });
      const own = async (name: string): Promise<void> => {
        const answers = [create(sql, name), sql`select 1 as n`, sql`select ${name}::text as name`];
        expect((await Promise.all(answers)).slice(1)).toEqual([[{ n: 1 }], [{ name }]]);
      };
      expect(await outcomes(own)).toEqual(ALL_DONE);
      await sql.end();
    },
  );

  it("assertCompatible refuses a client of pg that names its statements", async () => {
    await using pooler = await startPgBouncer(db.url, { mode: "transaction", size: 4 });
    const pool = new pg.Pool({ connectionString: pooler.url });
    const naming: QueryClient = {
      query: async (text, values) => (await pool.query({ name: "mine", text, values })).rows as object[],
    };
    await assertCompatible(naming);
    // The next connection to the pooler finds the statement of this one in its session.
    (await pool.connect()).release(true);
    await expect(assertCompatible(naming)).rejects.toMatchObject({ reason: "pooler" });
    await pool.end();
  });
});
