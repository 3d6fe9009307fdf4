import { randomUUID } from "node:crypto";
import { drizzle as drizzleOnPg } from "drizzle-orm/node-postgres";
import { drizzle as drizzleOnPostgres } from "drizzle-orm/postgres-js";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import postgres from "postgres";
import { DataSource } from "typeorm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as api from "../../src/index.js";
import { type Fixture, running } from "../../src/testing/index.js";
import { startPooler } from "../connection/pooler.js";
import { createDatabase, createEmptyDatabase, type TestDatabase } from "../support/database.js";
import { until } from "../support/until.js";

interface Opened {
  client: api.SqlClient;
  close: () => Promise<unknown>;
}

/** An error of a connection that no call waits for. */
function ignore(): void {
  // The next call gets an error of its own.
}

function openPg(url: string, wrap: (pool: pg.Pool) => api.SqlClient): Opened {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  pool.on("error", ignore).on("connect", (client) => void client.on("error", ignore));
  return { client: wrap(pool), close: () => pool.end() };
}

async function openTypeorm(url: string): Promise<Opened> {
  const source = await new DataSource({
    type: "postgres",
    url,
    logging: false,
    extra: { max: 1 },
  }).initialize();
  return { client: source, close: () => source.destroy() };
}

function openPostgres(url: string, wrap: (sql: postgres.Sql) => api.SqlClient): Opened {
  const sql = postgres(url, { max: 1 });
  return { client: wrap(sql), close: () => sql.end({ timeout: 0 }) };
}

const OPEN: Record<string, (url: string) => Opened | Promise<Opened>> = {
  postgres: (url) => openPostgres(url, (sql) => sql),
  pg: (url) => openPg(url, api.fromPg),
  Kysely: (url) =>
    openPg(url, (pool) => api.fromKysely(new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) }))),
  "Drizzle on pg": (url) => openPg(url, (pool) => api.fromDrizzle(drizzleOnPg(pool))),
  "Drizzle on postgres": (url) => openPostgres(url, (sql) => api.fromDrizzle(drizzleOnPostgres(sql))),
  TypeORM: openTypeorm,
};

let db: TestDatabase;
let f: Fixture;
beforeAll(async () => {
  db = await createDatabase();
  f = await running(db.sql);
  await db.sql.unsafe(`
    create table planted (code text);
    create function raise_planted() returns trigger language plpgsql as $$ begin
      raise exception using errcode = (select p.code from public.planted as p),
        message = 'planted', detail = 'what was found', hint = 'what to do';
    end $$;
    create trigger planted before update of intended_state on vmstate.instance
      for each row execute function raise_planted()`);
});
afterAll(() => db.drop());

async function rejection(call: Promise<unknown>): Promise<unknown> {
  return await call.then(
    (answer) => expect.fail(`resolved: ${JSON.stringify(answer)}`),
    (error: unknown) => error,
  );
}

const BY_CODE: [string, { name: string }, boolean][] = [
  ["VM101", api.OldGenerationError, false],
  ["VM102", api.InvalidTransitionError, false],
  ["VM103", api.ImmutableColumnError, false],
  ["VM104", api.ProtectedRowError, false],
  ["VM901", api.DatabaseError, false],
  ["22003", api.InvalidArgumentError, false],
  ["23505", api.DatabaseError, false],
  ["40001", api.SerializationError, true],
  ["40003", api.DatabaseError, true],
  ["40P01", api.DeadlockError, true],
  ["42501", api.PermissionDeniedError, false],
  ["53300", api.TooManyConnectionsError, true],
  ["55P03", api.LockTimeoutError, true],
  ["57014", api.QueryCanceledError, false],
  ["57P01", api.ConnectionError, true],
  ["57P02", api.ConnectionError, true],
  ["57P03", api.ConnectionError, true],
  ["57P05", api.ConnectionError, true],
  ["08006", api.ConnectionError, true],
  ["08P01", api.ConnectionError, true],
];

it("a host with several addresses, none of which answers, is a ConnectionError with the message of the first address", async () => {
  const errors = [new Error("connect ECONNREFUSED ::1:1"), new Error("connect ECONNREFUSED 127.0.0.1:1")];
  const refused = Object.assign(new AggregateError(errors), { code: "ECONNREFUSED" });
  const client = { query: () => Promise.reject(refused) };
  const error = await rejection(api.requestStop(client, f));
  expect(error).toBeInstanceOf(api.ConnectionError);
  expect(error).toMatchObject({ message: "connect ECONNREFUSED ::1:1", cause: refused });
});

describe.each(Object.entries(OPEN))("through %s", (_, open) => {
  let opened: Opened;
  beforeAll(async () => {
    opened = await open(db.url);
  });
  afterAll(() => opened.close());

  it.each(BY_CODE)(
    "%s is an error of its own class, with what PostgreSQL said",
    async (code, type, again) => {
      await db.sql`truncate planted`;
      await db.sql`insert into planted values (${code})`;
      const error = await rejection(
        api.requestReboot(opened.client, f).then(() => api.requestStop(opened.client, f)),
      );
      expect(error).toMatchObject({
        ...{ name: type.name, verb: "requestStop", sqlState: code, code },
        ...{ message: "planted", detail: "what was found", hint: "what to do" },
        cause: expect.any(Error) as unknown,
      });
      expect((error as Error).constructor).toBe(type);
      expect(error).toBeInstanceOf(api.DatabaseError);
      expect(error).toBeInstanceOf(api.VmstateError);
      expect(api.isRetryable(error)).toBe(again);
      expect(api.isRetryable((error as Error).cause)).toBe(again);
    },
  );

  it("VM001 names the argument as the caller knows it", async () => {
    const error = await rejection(api.renameInstance(opened.client, { ...f, name: "" }));
    expect(error).toBeInstanceOf(api.InvalidArgumentError);
    expect(error).toMatchObject({
      ...{ verb: "renameInstance", argument: "name", sqlState: "VM001", code: "VM001" },
      detail: "p_name must have 1 to 63 characters, not 0.",
    });
    const ofId = await rejection(api.finishInstanceCreation(opened.client, { instanceId: null as never }));
    expect(ofId).toMatchObject({ verb: "finishInstanceCreation", argument: "instanceId" });
    expect((ofId as Error).cause).toBeInstanceOf(Error);
  });

  it("a value that does not fit its type is an invalid argument, which PostgreSQL does not name", async () => {
    const error = await rejection(api.apiInstance(opened.client, { instanceId: "vm-1" }));
    expect(error).toBeInstanceOf(api.InvalidArgumentError);
    expect(error).toMatchObject({ verb: "apiInstance", sqlState: "22P02", argument: undefined });
    const batch = await rejection(api.reportVmms(opened.client, [null as never]));
    expect(batch).toMatchObject({ verb: "reportVmms", argument: "reports", sqlState: "VM001" });
    const rows = await rejection(
      api.failSled(opened.client, { sledId: f.sledId, reason: "boredom" as never }),
    );
    expect(rows).toMatchObject({ verb: "failSled", sqlState: "22P02" });
    const report = { ...f, state: "running", generation: 0, time: new Date() } as const;
    const { instanceId, propolisId, state, generation, time } = report;
    const one = await rejection(
      api.reportVmm(opened.client, { instanceId, propolisId, state, generation, time }),
    );
    expect(one).toMatchObject({ verb: "reportVmm", argument: "generation", code: "VM001" });
  });

  it("a database without vmstate is an IncompatibleDatabaseError", async () => {
    await using empty = await createEmptyDatabase();
    const other = await open(empty.url);
    const expected = { reason: "not_installed", hint: "run `npx vmstate migrate`" };
    expect(await rejection(api.requestStop(other.client, f))).toMatchObject({
      ...{ ...expected, verb: "requestStop", sqlState: "3F000", code: "3F000" },
      name: "IncompatibleDatabaseError",
    });
    expect(await rejection(api.apiVmms(other.client, f))).toMatchObject({ ...expected, sqlState: "42P01" });
    await other.close();
  });

  it("a lost connection is a ConnectionError, whatever the client throws", async () => {
    await using proxy = await startPooler("ignores", db.url);
    const other = await open(proxy.url);
    let lost: Promise<unknown> | undefined;
    await db.sql.begin(async (tx) => {
      await tx`select from vmstate.instance where id = ${f.instanceId} for update`;
      lost = rejection(api.configureInstance(other.client, f));
      await until("the call waits for the lock", async () => {
        const waiting = await db.sql`
          select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
        return waiting.length > 0;
      });
      await proxy[Symbol.asyncDispose]();
    });
    const error = await lost;
    expect(error).toBeInstanceOf(api.ConnectionError);
    expect(error).toMatchObject({ verb: "configureInstance", sqlState: "08006" });
    expect(api.isRetryable(error)).toBe(true);
    await other.close();
  });

  it("a refused connection is a ConnectionError", async () => {
    const proxy = await startPooler("ignores", db.url);
    const other = await open(proxy.url);
    await proxy[Symbol.asyncDispose]();
    const refused = await rejection(api.configureInstance(other.client, f));
    expect(refused).toBeInstanceOf(api.ConnectionError);
    // TypeORM has connected before, and learns of the cut connection first.
    expect(["ECONNREFUSED", "08006"]).toContain((refused as api.ConnectionError).code);
    expect(api.isRetryable(refused)).toBe(true);
    await other.close();
  });

  it("a connection that an administrator ends is a ConnectionError", async () => {
    const other = await open(db.url);
    await api.apiInstance(other.client, f);
    let ended: Promise<unknown> | undefined;
    await db.sql.begin(async (tx) => {
      await tx`select from vmstate.instance where id = ${f.instanceId} for update`;
      let isEnded = false;
      ended = rejection(api.configureInstance(other.client, f)).finally(() => (isEnded = true));
      // The backend of a client that was cut off before may wait as well.
      await until("the call waits for the lock, and is ended", async () => {
        await db.sql`
          select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'`;
        return isEnded;
      });
      // The lock stays until then: a session that gets it first would answer before it ends.
      await ended;
    });
    const error = await ended;
    expect(error).toBeInstanceOf(api.ConnectionError);
    // postgres says that the connection was closed, without the server's word.
    expect(["57P01", "CONNECTION_CLOSED"]).toContain((error as api.ConnectionError).code);
    expect(api.isRetryable(error)).toBe(true);
    await other.close();
  });

  it("an error of a client that its program has closed is not retryable", async () => {
    const other = await open(db.url);
    await api.apiInstance(other.client, f);
    await other.close();
    expect(api.isRetryable(await rejection(api.apiInstance(other.client, f)))).toBe(false);
  });
});

describe("an error that is neither PostgreSQL's nor a lost connection", () => {
  it.each([
    ["of the client's own code", new TypeError("no such method")],
    ["of Node, with five characters", Object.assign(new Error("no"), { code: "EPERM", syscall: "open" })],
    ["that is no Error", "a string"],
  ])("stays as it is: %s", async (_, thrown) => {
    // The client is one of the caller's own, so that no database is replaced.
    const client: api.SqlClient = {
      query: () => {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- a library may throw what is no Error
        throw thrown;
      },
    };
    expect(await rejection(api.requestStop(client, f))).toBe(thrown);
    expect(api.isRetryable(thrown)).toBe(false);
  });
});

it("a missing socket file is retryable: a server that starts makes the file again", async () => {
  const pool = new pg.Pool({ host: "/nowhere", database: "none" });
  const error = await rejection(api.apiInstance(api.fromPg(pool), { instanceId: randomUUID() }));
  expect(error).toBeInstanceOf(api.ConnectionError);
  expect(error).toMatchObject({ code: "ENOENT", sqlState: "08006" });
  expect(api.isRetryable(error)).toBe(true);
  await pool.end();
});

it("a host at none of whose addresses a server answers fails with the message of the first address", async () => {
  await using proxy = await startPooler("ignores", db.url);
  const { port } = new URL(proxy.url);
  await proxy[Symbol.asyncDispose]();
  const url = Object.assign(new URL(db.url), { host: `localhost:${port}` }).href;
  const pool = new pg.Pool({ connectionString: url });
  const error = await rejection(api.apiInstance(api.fromPg(pool), { instanceId: randomUUID() }));
  expect(error).toMatchObject({
    code: "ECONNREFUSED",
    message: expect.stringMatching(/ECONNREFUSED/) as unknown,
  });
  await pool.end();
});
