import { randomUUID } from "node:crypto";
import { sql as drizzleSql } from "drizzle-orm";
import { drizzle as drizzleOnPg } from "drizzle-orm/node-postgres";
import { drizzle as drizzleOnPostgres } from "drizzle-orm/postgres-js";
import { CamelCasePlugin, Kysely, type KyselyPlugin, ParseJSONResultsPlugin, PostgresDialect } from "kysely";
import pg from "pg";
import { DataSource } from "typeorm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ARGUMENTS } from "../../src/client/generated.js";
import * as api from "../../src/index.js";
import {
  apiInstance,
  assertCompatible,
  createInstance,
  fromDrizzle,
  fromKysely,
  fromPg,
  grantAccess,
  reporter,
  type SqlClient,
  vmstate,
} from "../../src/index.js";
import { createDatabase, createEmptyDatabase, type TestDatabase } from "../support/database.js";
import { running } from "../sql/scenario.js";
import { comparable, runLifecycle } from "./lifecycle.js";

const role = `vmstate_test_adapters_${process.pid}`;

type Verb = keyof typeof ARGUMENTS;

/** The arguments that are booleans, each with its verb, and with null for the other arguments of the verb. */
const BOOLEANS = Object.entries(ARGUMENTS).flatMap(([verb, kinds]) =>
  Object.entries<string>(kinds)
    .filter(([, kind]) => kind === "boolean?")
    .map(([argument]): [Verb, string, object] => [
      verb as Verb,
      argument,
      Object.fromEntries(Object.keys(kinds).map((name) => [name, null])),
    ]),
);

/** What makes a transaction of a client end without a commit. */
class RolledBack extends Error {}

type Act = (sql: SqlClient) => Promise<void>;

/** A client of some library, outside of a transaction and inside of one that the library itself begins. */
interface Case {
  client: () => SqlClient;
  /** Commits when `act` resolves, rolls back when it rejects. */
  transaction: (act: Act) => Promise<unknown>;
}

let db: TestDatabase;
let expected: unknown;
let pool: pg.Pool;
let hostilePool: pg.Pool;
let dataSource: DataSource;
beforeAll(async () => {
  db = await createDatabase();
  await db.sql`create role ${db.sql(role)}`;
  await grantAccess(db.sql, { role, kind: "reader" });
  expected = comparable(await runLifecycle(vmstate(db.sql), role));
  pool = new pg.Pool({ connectionString: db.url });
  hostilePool = new pg.Pool({ connectionString: db.url, types: { getTypeParser: () => hostileParser } });
  dataSource = await new DataSource({ type: "postgres", url: db.url }).initialize();
});
afterAll(async () => {
  await dataSource.destroy();
  await Promise.all([pool.end(), hostilePool.end()]);
  await db.sql.unsafe(`drop owned by ${role}; drop role ${role}`);
  await db.drop();
});

function hostileParser(value: string): unknown {
  return { parsed: value.toUpperCase() };
}

/** A transaction as the documentation of `pg` writes it. */
async function inTransaction(of: pg.Pool, act: Act): Promise<void> {
  const client = await of.connect();
  try {
    await client.query("BEGIN");
    await act(fromPg(client));
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  } finally {
    client.release();
  }
}

function kysely(...plugins: KyselyPlugin[]): Kysely<unknown> {
  return new Kysely<unknown>({ dialect: new PostgresDialect({ pool }), plugins });
}

function onKysely(make: () => Kysely<unknown>): Case {
  return {
    client: () => fromKysely(make()),
    transaction: (act) =>
      make()
        .transaction()
        .execute((tx) => act(fromKysely(tx))),
  };
}

const CASES: Record<string, Case> = {
  "a pool of pg": {
    client: () => fromPg(pool),
    transaction: (act) => inTransaction(pool, act),
  },
  "a pool of pg that parses every value, text too": {
    client: () => fromPg(hostilePool),
    transaction: (act) => inTransaction(hostilePool, act),
  },
  Kysely: onKysely(() => kysely()),
  "Kysely with plugins that rename columns and parse JSON": onKysely(() =>
    kysely(new CamelCasePlugin(), new CamelCasePlugin({ upperCase: true }), new ParseJSONResultsPlugin()),
  ),
  "Drizzle on pg": {
    client: () => fromDrizzle(drizzleOnPg(pool)),
    transaction: (act) => drizzleOnPg(pool).transaction((tx) => act(fromDrizzle(tx))),
  },
  "Drizzle on pg with its own casing": {
    client: () => fromDrizzle(drizzleOnPg(pool, { casing: "camelCase" })),
    transaction: (act) =>
      drizzleOnPg(pool, { casing: "camelCase" }).transaction((tx) => act(fromDrizzle(tx))),
  },
  "Drizzle on postgres": {
    client: () => fromDrizzle(drizzleOnPostgres(db.connect())),
    transaction: (act) => drizzleOnPostgres(db.connect()).transaction((tx) => act(fromDrizzle(tx))),
  },
  "a method of one's own, here the one that TypeORM has": {
    client: () => dataSource.manager,
    transaction: (act) => dataSource.transaction((manager) => act(manager)),
  },
};

describe.each(Object.entries(CASES))("through %s", (_, { client, transaction }) => {
  it("every function answers as through postgres", async () => {
    expect(comparable(await runLifecycle(vmstate(client()), role))).toEqual(expected);
  });

  it("every function answers as through postgres in the client's own transaction, which commits", async () => {
    let answers: unknown;
    await transaction(async (sql) => {
      answers = await runLifecycle(vmstate(sql), role);
    });
    expect(comparable(answers)).toEqual(expected);
  });

  it("what a committed transaction wrote is there, and what a rolled back one wrote is not", async () => {
    const [kept, lost] = [randomUUID(), randomUUID()];
    const create = async (sql: SqlClient, id: string): Promise<void> => {
      await createInstance(sql, { instanceId: id, projectId: id, name: "web", intendedState: "running" });
      expect(await apiInstance(sql, { instanceId: id })).toMatchObject({ id });
    };
    await transaction((sql) => create(sql, kept));
    const rolledBack = transaction(async (sql) => {
      await create(sql, lost);
      throw new RolledBack();
    });
    await expect(rolledBack).rejects.toThrow(RolledBack);
    expect(await apiInstance(db.sql, { instanceId: kept })).toMatchObject({ id: kept });
    expect(await apiInstance(db.sql, { instanceId: lost })).toBeUndefined();
  });

  it("the reporter answers each caller, and refuses a wrong report alone", async () => {
    const vmms = await Promise.all([0, 1, 2].map(() => running(db.sql)));
    const { report, close } = reporter(client());
    const time = new Date();
    const calls = [3, 4, 3, 0].flatMap((generation) =>
      vmms.map(({ instanceId, propolisId }) =>
        report({ instanceId, propolisId, state: "running", generation, time }).then(
          ({ vmmOutcome, stateGeneration }) => [vmmOutcome, stateGeneration],
          (error: unknown) => codesOf(error).includes("VM001"),
        ),
      ),
    );
    const alike = <T>(answer: T): T[] => vmms.map(() => answer);
    expect(await Promise.all(calls)).toEqual([
      ...alike(["applied", 3]),
      ...alike(["applied", 4]),
      ...alike(["stale", 4]),
      ...alike(true),
    ]);
    await close();
  });

  it.each(BOOLEANS)("%s sends its argument %s as the caller gave it", async (verb, argument, others) => {
    const call = api[verb] as unknown as (sql: SqlClient, a: object) => Promise<unknown>;
    // What makes a boolean of every value, as the driver `postgres` does, makes one of this text.
    const refused = call(client(), { ...others, [argument]: "maybe" });
    expect(codesOf(await refused.catch((thrown: unknown) => thrown))).toContain("22P02");
  });

  it("the database is found compatible", async () => {
    await expect(assertCompatible(client())).resolves.toBeUndefined();
  });

  it("an error of the database arrives with its SQLSTATE", async () => {
    const refused = createInstance(client(), {
      instanceId: randomUUID(),
      projectId: randomUUID(),
      name: "",
      intendedState: "running",
    });
    const error: unknown = await refused.catch((thrown: unknown) => thrown);
    expect(codesOf(error)).toContain("VM001");
  });
});

it("a database without vmstate is found incompatible through each client", async () => {
  await using empty = await createEmptyDatabase();
  const other = new pg.Pool({ connectionString: empty.url });
  const clients = [fromPg(other), fromDrizzle(drizzleOnPg(other)), fromDrizzle(drizzleOnPostgres(empty.sql))];
  for (const client of clients)
    await expect(assertCompatible(client)).rejects.toMatchObject({ reason: "not_installed" });
  await other.end();
});

/** Drizzle and TypeORM wrap the error of the driver. */
function codesOf(error: unknown): unknown[] {
  if (!(error instanceof Error)) return [];
  const code = "code" in error ? [error.code] : [];
  return [...code, ...codesOf(error.cause)];
}

it("rows of one's own and vmstate's commit together, in Drizzle and in Kysely", async () => {
  await db.sql`create table audit (instance_id uuid primary key references vmstate.instance)`;
  const [one, other] = [randomUUID(), randomUUID()];
  const instance = (id: string) => ({ id, projectId: id, name: "web", intendedState: "running" as const });
  await drizzleOnPg(pool).transaction(async (tx) => {
    await createInstance(fromDrizzle(tx), instance(one));
    await tx.execute(drizzleSql`insert into audit values (${one})`);
  });
  await new Kysely<{ audit: { instance_id: string } }>({ dialect: new PostgresDialect({ pool }) })
    .transaction()
    .execute(async (tx) => {
      await createInstance(fromKysely(tx), instance(other));
      await tx.insertInto("audit").values({ instance_id: other }).execute();
    });
  expect(await db.sql`select from audit where instance_id in ${db.sql([one, other])}`).toHaveLength(2);
});

describe("a client that does not return text unchanged", () => {
  const answering = (rows: unknown): SqlClient => ({ query: () => Promise.resolve(rows as never) });
  const ask = (sql: SqlClient) => apiInstance(sql, { instanceId: randomUUID() });

  it.each([
    ["parses it", [{ row: { id: "1" } }], "not as object [object Object]"],
    ["changes it", [{ row: "<{}>" }], "not as string <{}>"],
    ["returns no column", [{}], "not as undefined undefined"],
  ])("is refused when it %s", async (_, rows, message) => {
    await expect(ask(answering(rows))).rejects.toThrow(message);
    await expect(ask(answering(rows))).rejects.toMatchObject({ name: "VmstateError" });
  });

  it("is refused when it is a pool of pg that nobody wrapped", async () => {
    const refused = ask(pool);
    await expect(refused).rejects.toMatchObject({ name: "VmstateError" });
    await expect(refused).rejects.toThrow("wrap a client of pg by fromPg");
  });
});
