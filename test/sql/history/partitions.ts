import type postgres from "postgres";

/** The partitions of the history, without the default, oldest first. */
export async function partitions(sql: postgres.ISql): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`select name from vmstate.history_partitions() order by lower`;
  return rows.map(({ name }) => name);
}

export async function defaultRows(sql: postgres.ISql): Promise<number> {
  const [row] = await sql<{ rows: number }[]>`select count(*)::int as rows from vmstate.history_default`;
  return row?.rows ?? 0;
}

interface Past {
  /** How long ago, or at what time. */
  days?: number;
  at?: string;
  /** Whether to make the partition of that day first. */
  partition: boolean;
  rows: number;
}

/** Inserts changes of another time as the owner may, each in a millisecond of its own. */
export async function addChanges(sql: postgres.ISql, { days = 0, at, partition, rows }: Past): Promise<void> {
  const [{ begin }] = await sql<[{ begin: string }]>`
    select coalesce(${at ?? null}::text::timestamptz, date_trunc('day', now(), 'UTC') - make_interval(days => ${days}))::text as begin`;
  if (partition)
    await sql`select vmstate.add_history_partition(${begin}::text::timestamptz, ${begin}::text::timestamptz + interval '24 hours')`;
  await sql`
    insert into vmstate.history ("time", id, transaction_id, instance_id, kind, row_id, generation, state, deleted, role)
      select ${begin}::text::timestamptz + n * interval '1 millisecond', nextval('vmstate.history_id'), pg_current_xact_id(),
          u, 'instance', u, 1, 'creating', false, 'nobody'
        from generate_series(1, ${rows}) as n, gen_random_uuid() as u`;
}
