import type postgres from "postgres";
import { afterEach, expect } from "vitest";
import {
  abandonedVmms,
  apiInstance,
  invariantViolations,
  orphanedVmms,
  pendingUpdates,
  restartableInstances,
  stuckInstances,
  watchedVmms,
  type ApiInstanceState,
  type IntendedState,
  type ReportedVmmState,
  type ReportVmmArguments,
} from "../../src/index.js";
import { type TestDatabase, withDatabase } from "../support/database.js";
import { untilWaiting } from "../support/waiting.js";
import { instance, type Scenario } from "../sql/scenario.js";

type OfInstance = Pick<Scenario, "instanceId">;
type Act<A> = (sql: postgres.Sql) => Promise<A>;

/** The database of one file's stories; none of them may leave a broken invariant behind. */
export interface RegressionDatabase {
  readonly db: TestDatabase;
  readonly sql: postgres.Sql;
}

export function regressionDatabase(): RegressionDatabase {
  const db = withDatabase();
  afterEach(async () => {
    expect(await invariantViolations(db.sql)).toEqual([]);
  });
  return { db, sql: db.sql };
}

/** What a user sees of an instance, what its row names, and every work list's entry on it or on its VMMs. */
export interface Situation {
  /** Null when deleted. */
  shown: ApiInstanceState | null;
  intends: IntendedState | null;
  active: string | null;
  destination: string | null;
  updatePending: boolean;
  restartable: boolean;
  /** The column `waits_for` of stuck_instance. */
  waitsFor: string | null;
  /** VMMs that the control plane has to terminate. */
  orphaned: string[];
  /** VMMs without a link that end by themselves. */
  ending: string[];
  abandoned: string[];
  watched: string[];
}

/** No instance is shown and no work list has a row. */
export const NOTHING: Situation = {
  shown: null,
  intends: null,
  active: null,
  destination: null,
  updatePending: false,
  restartable: false,
  waitsFor: null,
  orphaned: [],
  ending: [],
  abandoned: [],
  watched: [],
};

export async function situationOf(sql: postgres.Sql, s: OfInstance): Promise<Situation> {
  const [row, shown] = [await instance(sql, s), await apiInstance(sql, s)];
  const orphans = rowsOf(s, await orphanedVmms(sql));
  return {
    shown: shown?.state ?? null,
    intends: shown?.intendedState ?? null,
    active: row["active_propolis_id"] as string | null,
    destination: row["destination_propolis_id"] as string | null,
    updatePending: rowsOf(s, await pendingUpdates(sql)).length > 0,
    restartable: rowsOf(s, await restartableInstances(sql)).length > 0,
    waitsFor: rowsOf(s, await stuckInstances(sql))[0]?.waitsFor ?? null,
    orphaned: ids(orphans.filter(({ expectedToEnd }) => !expectedToEnd)),
    ending: ids(orphans.filter(({ expectedToEnd }) => expectedToEnd)),
    abandoned: ids(rowsOf(s, await abandonedVmms(sql))),
    watched: ids(rowsOf(s, await watchedVmms(sql))),
  };
}

function rowsOf<Row extends OfInstance>(s: OfInstance, rows: Row[]): Row[] {
  return rows.filter(({ instanceId }) => instanceId === s.instanceId);
}

function ids(rows: { propolisId: string }[]): string[] {
  return rows.map(({ propolisId }) => propolisId).sort();
}

/** What a sled agent says of a VMM, with a generation of its own choice. */
export function report(
  { instanceId }: OfInstance,
  propolisId: string,
  state: ReportedVmmState,
  generation: number,
): ReportVmmArguments {
  return { instanceId, propolisId, state, generation, time: new Date() };
}

/** Makes the last reports of the instance eleven minutes old. */
export async function elevenMinutesPass(sql: postgres.Sql, { instanceId }: OfInstance): Promise<void> {
  const [{ then } = {}] = await sql<
    { then: Date }[]
  >`select clock_timestamp() - interval '11 minutes' as then`;
  const at = String(then?.toISOString());
  await sql`update vmstate.instance set time_state_updated = ${at}, state_generation = state_generation + 1
    where id = ${instanceId}`;
  await sql`update vmstate.vmm set time_state_updated = ${at}, state_generation = state_generation + 1,
      time_reported = case when time_reported is not null then ${at}::timestamptz end
    where instance_id = ${instanceId}`;
  await sql`update vmstate.migration set
    time_source_updated = ${at}, source_generation = source_generation + 1,
    time_destination_updated = ${at}, destination_generation = destination_generation + 1,
    time_reported = case when time_reported is not null then ${at}::timestamptz end
    where instance_id = ${instanceId}`;
}

/** A connection of its own. */
export async function connection(db: TestDatabase): Promise<{ sql: postgres.Sql; pid: number }> {
  const sql = db.connect({ max: 1 });
  const [{ pid }] = await sql<[{ pid: number }]>`select pg_backend_pid() as pid`;
  return { sql, pid };
}

/** Terminates the process of a session, whose transaction is then rolled back, and waits until the process is gone. */
async function kill(db: TestDatabase, pid: number): Promise<void> {
  expect(await db.sql`select pg_terminate_backend(${pid}, 20000) as ended`).toEqual([{ ended: true }]);
}

/** `act` answers, and its process dies before it commits. */
export async function dyingAfter<A>(db: TestDatabase, act: Act<A>): Promise<A> {
  const { sql, pid } = await connection(db);
  await sql`begin`;
  const answer = await act(sql);
  await kill(db, pid);
  return answer;
}

/** `first` acts in a transaction; `second` runs into its locks; then the transaction commits, or its process dies. */
export async function whileHeld<A, B>(
  db: TestDatabase,
  first: Act<A>,
  second: Act<B>,
  end: "commit" | "death" = "commit",
): Promise<{ first: A; second: B }> {
  const [holder, waiter] = [await connection(db), await connection(db)];
  await holder.sql`begin`;
  const answer = await first(holder.sql);
  const finish = async (): Promise<void> => {
    if (end === "death") await kill(db, holder.pid);
    else await holder.sql`commit`;
  };
  const [later] = await Promise.all([second(waiter.sql), untilWaiting(db.sql, waiter.pid).finally(finish)]);
  return { first: answer, second: later };
}
