import type postgres from "postgres";
import { afterAll, expect } from "vitest";
import { invariantViolations } from "../../../src/index.js";
import { type TestDatabase, withDatabase } from "../../support/database.js";
import { untilWaiting } from "../../support/waiting.js";

export type Table = "instance" | "vmm" | "migration" | "sled_report";
export type Act<A> = (sql: postgres.ISql) => Promise<A>;

export interface Session extends AsyncDisposable {
  sql: postgres.ReservedSql;
  pid: number;
}

/** What two sessions answered, one of which waited for the other. */
export interface Race<A, B> {
  first: A;
  second: B;
  /** The table in which `second` waited for a row; null: it waited for the transaction that inserted the same unique key. */
  waited: Table | null;
}

/** The database of one file's interleavings; none of them may leave a broken invariant behind. */
export interface Sessions extends Pick<TestDatabase, "connect"> {
  readonly sql: postgres.Sql;
  session: () => Promise<Session>;
  /** Lets `first` act in a transaction and keep its locks; `second` must run into one of them; then `first` ends. */
  race: <A, B>(first: Act<A>, second: Act<B>, end?: "commit" | "rollback") => Promise<Race<A, B>>;
  /** Lets `second` act while the transaction of `first` is open; it must not have to wait. */
  overtake: <A, B>(first: Act<A>, second: Act<B>) => Promise<Omit<Race<A, B>, "waited">>;
}

/** Makes the database of the test file that calls it, and checks its invariants at the end. */
export function newSessions(): Sessions {
  const db = withDatabase();
  afterAll(async () => {
    expect(await invariantViolations(db.sql)).toEqual([]);
  });
  return {
    sql: db.sql,
    connect: db.connect,
    session: () => openSession(db.sql),
    race: (first, second, end = "commit") => race(db.sql, first, second, end),
    overtake: (first, second) => overtake(db.sql, first, second),
  };
}

async function openSession(pool: postgres.Sql): Promise<Session> {
  const sql = await pool.reserve();
  const [{ pid }] = await sql<[{ pid: number }]>`select pg_backend_pid() as pid`;
  const dispose = async (): Promise<void> => {
    // in case that a test failed on the way
    await sql`rollback`;
    sql.release();
  };
  return { sql, pid, [Symbol.asyncDispose]: dispose };
}

async function race<A, B>(
  pool: postgres.Sql,
  first: Act<A>,
  second: Act<B>,
  end: "commit" | "rollback",
): Promise<Race<A, B>> {
  await using one = await openSession(pool);
  await using two = await openSession(pool);
  await one.sql`begin`;
  const answer = await first(one.sql);
  const [later, waited] = await Promise.all([
    second(two.sql),
    waitsFor(pool, two.pid).finally(() => one.sql.unsafe(end)),
  ]);
  return { first: answer, second: later, waited };
}

async function waitsFor(pool: postgres.Sql, pid: number): Promise<Table | null> {
  await untilWaiting(pool, pid);
  const [lock] = await pool<{ table: Table }[]>`
    select relname as table from pg_locks join pg_class as c on c.oid = coalesce(pg_partition_root(relation), relation)
      where pid = ${pid} and locktype = 'tuple'`;
  return lock?.table ?? null;
}

async function overtake<A, B>(
  pool: postgres.Sql,
  first: Act<A>,
  second: Act<B>,
): Promise<{ first: A; second: B }> {
  await using one = await openSession(pool);
  await using two = await openSession(pool);
  await one.sql`begin`;
  const answer = await first(one.sql);
  await two.sql`set lock_timeout = '5s'`;
  const earlier = await second(two.sql).finally(() => two.sql`reset lock_timeout`);
  await one.sql`commit`;
  return { first: answer, second: earlier };
}
