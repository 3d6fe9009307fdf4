import { drizzle as drizzleOnPg } from "drizzle-orm/node-postgres";
import { drizzle as drizzleOnPostgres } from "drizzle-orm/postgres-js";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import postgres from "postgres";
import { DataSource } from "typeorm";
import { fromDrizzle, fromKysely, fromPg, fromPrisma, type SqlClient } from "../../../src/index.js";
import { type ConnectPrisma, installPrisma } from "../../support/prisma.js";

type Act = (sql: SqlClient) => Promise<void>;

/** A client of some library that is connected to a URL. */
export interface Connected extends AsyncDisposable {
  sql: SqlClient;
  /** Commits when `act` resolves, rolls back when it rejects. */
  transaction: (act: Act) => Promise<unknown>;
}

/** Makes a client of at most so many connections. */
export type Connect = (url: string, max: number) => Connected | Promise<Connected>;

/** Nobody can catch the error of a connection that is lost while it fetches types. */
const QUIET = { fetch_types: false, onnotice: () => undefined };

function onPostgres(options: { prepare?: boolean } = {}): Connect {
  return (url, max) => {
    const sql = postgres(url, { max, ...QUIET, ...options });
    return {
      sql,
      transaction: (act) => sql.begin((tx) => act(tx)),
      [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }),
    };
  };
}

/** A transaction as the documentation of `pg` writes it. */
async function inTransaction(pool: pg.Pool, act: Act): Promise<void> {
  const client = await pool.connect();
  let failure: Error | undefined;
  const ignore = (): void => undefined;
  client.on("error", ignore);
  try {
    await client.query("BEGIN");
    await act(fromPg(client));
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch((lost: unknown) => {
      failure = lost as Error;
    });
    throw error;
  } finally {
    client.off("error", ignore);
    client.release(failure);
  }
}

/** A client that is in use emits the loss of its connection, besides rejecting what waits on it. */
function newPool(url: string, max: number): pg.Pool {
  const ignore = (): void => undefined;
  return new pg.Pool({ connectionString: url, max })
    .on("error", ignore)
    .on("connect", (client) => client.on("error", ignore));
}

function onPg(connected: (pool: pg.Pool) => Omit<Connected, keyof AsyncDisposable>): Connect {
  return (url, max) => {
    const pool = newPool(url, max);
    return { ...connected(pool), [Symbol.asyncDispose]: () => pool.end() };
  };
}

/** Long enough for any machine: by itself Prisma lets a transaction wait 2 s for a connection, and last 5 s. */
const PATIENT = { maxWait: 600_000, timeout: 600_000 };

function onPrisma(connect: ConnectPrisma): Connect {
  return (url, max) => {
    const prisma = connect(url, max);
    return {
      sql: fromPrisma(prisma),
      transaction: (act) => prisma.$transaction((tx) => act(fromPrisma(tx)), PATIENT),
      [Symbol.asyncDispose]: () => prisma.$disconnect(),
    };
  };
}

const connectPrisma = await installPrisma();

/** Every client that the package has an adapter for, or needs none; Prisma where npm can install it. */
export const CLIENTS: Record<string, Connect> = {
  "postgres.js": onPostgres(),
  "postgres.js with prepare: false": onPostgres({ prepare: false }),
  pg: onPg((pool) => ({ sql: fromPg(pool), transaction: (act) => inTransaction(pool, act) })),
  Kysely: onPg((pool) => {
    const kysely = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
    return {
      sql: fromKysely(kysely),
      transaction: (act) => kysely.transaction().execute((tx) => act(fromKysely(tx))),
    };
  }),
  "Drizzle on pg": onPg((pool) => {
    const drizzle = drizzleOnPg(pool);
    return {
      sql: fromDrizzle(drizzle),
      transaction: (act) => drizzle.transaction((tx) => act(fromDrizzle(tx))),
    };
  }),
  "Drizzle on postgres.js": (url, max) => {
    const sql = postgres(url, { max, ...QUIET });
    const drizzle = drizzleOnPostgres(sql);
    return {
      sql: fromDrizzle(drizzle),
      transaction: (act) => drizzle.transaction((tx) => act(fromDrizzle(tx))),
      [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }),
    };
  },
  TypeORM: async (url, max) => {
    const extra = { max };
    const dataSource = await new DataSource({
      type: "postgres",
      url,
      extra,
      poolErrorHandler: () => undefined,
    }).initialize();
    return {
      sql: dataSource.manager,
      transaction: (act) => dataSource.transaction((manager) => act(manager)),
      [Symbol.asyncDispose]: () => dataSource.destroy(),
    };
  },
  ...(connectPrisma !== undefined && { Prisma: onPrisma(connectPrisma) }),
};
