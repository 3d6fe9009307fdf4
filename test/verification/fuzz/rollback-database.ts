import postgres from "postgres";
import type { TestDatabase } from "../../support/copy.js";
import type { Catalog } from "./catalog.js";

/** What became of a call: it answered or failed, and whether any row was another one then. */
export interface Attempt {
  answer?: unknown;
  error?: unknown;
  changed: boolean;
}

export type Act = (sql: postgres.ISql) => Promise<unknown>;

/** A database in which every call is taken back, so that each finds the same rows. */
export interface RollbackDatabase {
  attempt: (client: ClientName, act: Act) => Promise<Attempt>;
}

/** Ways in which a caller's client may be configured. */
export const clients = {
  plain: { connection: {} },
  unprepared: { prepare: false, connection: { TimeZone: "America/Los_Angeles" } },
  converting: {
    transform: postgres.camel,
    types: { bigint: postgres.BigInt },
    connection: { TimeZone: "Asia/Kathmandu" },
  },
};
export type ClientName = keyof typeof clients;

const STATEMENT_TIMEOUT_MS = 60_000;
const session = { statement_timeout: STATEMENT_TIMEOUT_MS, log_min_messages: "panic" };
const HANGS_AFTER_MS = 90_000;

class RolledBack extends Error {}

export async function rollbackDatabaseIn(
  database: TestDatabase,
  catalog: Catalog,
): Promise<RollbackDatabase> {
  const fingerprint = fingerprintOf(catalog);
  const before = await fingerprint(database.sql);
  const open = new Map<ClientName, postgres.Sql>();

  const connect = (name: ClientName): postgres.Sql => {
    const known = open.get(name);
    if (known !== undefined) return known;
    const { connection, ...options } = clients[name];
    const client = database.connect({ ...options, max: 1, connection: { ...connection, ...session } });
    open.set(name, client);
    return client;
  };

  const attempt = async (name: ClientName, act: Act): Promise<Attempt> => {
    const client = connect(name);
    const made: Attempt = { changed: false };
    try {
      await beforeDeadline(
        client.begin(async (sql) => {
          Object.assign(made, await outcomeOf(sql, act));
          if (!isOfServer(made.error)) made.changed = (await fingerprint(sql)) !== before;
          throw new RolledBack();
        }),
      );
    } catch (error) {
      if (!(error instanceof RolledBack)) {
        open.delete(name);
        return { error, changed: false };
      }
    }
    made.changed ||= made.error !== undefined && (await fingerprint(client)) !== before;
    return made;
  };
  return { attempt };
}

/** Tells an error by which the transaction failed, also as a wrapper hands it over, from one made before anything was sent. */
function isOfServer(error: unknown): boolean {
  return error instanceof Error && (error instanceof postgres.PostgresError || isOfServer(error.cause));
}

async function outcomeOf(sql: postgres.ISql, act: Act): Promise<Pick<Attempt, "answer" | "error">> {
  try {
    return { answer: await act(sql) };
  } catch (error) {
    return { error };
  }
}

async function beforeDeadline<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer after ${HANGS_AFTER_MS} ms`)), HANGS_AFTER_MS);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** Tells all rows of all tables, and which version of each it is. */
function fingerprintOf({ relations }: Catalog): (sql: postgres.ISql) => Promise<string> {
  const tables = relations.filter((relation) => !relation.isView);
  return async (sql) => {
    const rows = tables
      .map(
        ({ name }) => sql`
          select t.tableoid, hash_record_extended(row(t.*, t.xmin, t.ctid), 0) as hash from vmstate.${sql(name)} as t`,
      )
      .reduce((all, one) => sql`${all} union all ${one}`);
    const [found] = await sql<{ hash: string }[]>`
      select md5(string_agg(format('%s %s', r.tableoid, r.hash), ' ' order by r.tableoid, r.hash)) as hash
        from (${rows}) as r`;
    return String(found?.hash);
  };
}
