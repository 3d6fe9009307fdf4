import type postgres from "postgres";

/** A work list: what to do with its rows, how many there are, and since when the oldest waits. */
export interface WorkList {
  name: string;
  /** What to do with each of its rows. */
  todo: string;
  size: number;
  /** Since when its oldest row has waited without any news. */
  oldestSeconds: number | null;
}

type QuerySince = (sql: postgres.Sql | postgres.TransactionSql) => postgres.PendingQuery<postgres.Row[]>;

/** Of each list, a query with one column: since when each row waits, by the clock of the database. */
const LISTS: { name: string; todo: string; querySince: QuerySince }[] = [
  {
    name: "pending_update",
    todo: "run the update saga",
    querySince: (sql) => sql`select l.since from vmstate.pending_update as l`,
  },
  {
    name: "abandoned_vmm",
    todo: "delete_vmm",
    querySince: (sql) => sql`select l.since from vmstate.abandoned_vmm as l`,
  },
  {
    name: "orphaned_vmm",
    todo: "terminate the VMM on its sled",
    querySince: (sql) => sql`select l.since from vmstate.orphaned_vmm as l`,
  },
  {
    name: "restartable_instance",
    todo: "begin_start, auto_restart",
    querySince: (sql) => sql`select l.since from vmstate.restartable_instance as l`,
  },
  {
    name: "stuck_instance",
    todo: "vmstate explain",
    querySince: (sql) => sql`select l.since from vmstate.stuck_instance as l`,
  },
  {
    name: "silent_sled",
    todo: "fail_sled, if the host is dead",
    querySince: (sql) => sql`select l.since from vmstate.silent_sled as l`,
  },
  {
    name: "watched_vmm",
    todo: "ask the sled agent",
    // Without a report since the upgrade to 0.2.0, only the time of the state is known.
    querySince: (sql) => sql`
      select coalesce(l.time_heard, l.time_state_updated) from vmstate.watched_vmm as l`,
  },
];

export async function readWorkLists(sql: postgres.TransactionSql): Promise<WorkList[]> {
  const lists: WorkList[] = [];
  for (const { name, todo, querySince } of LISTS) {
    const [row] = await sql<[{ size: number; oldestSeconds: number | null }]>`
      select count(*)::integer as size,
        extract(epoch from statement_timestamp() - min(since))::float8 as "oldestSeconds"
      from (${querySince(sql)}) as l (since)`;
    lists.push({ name, todo, ...row });
  }
  return lists;
}
