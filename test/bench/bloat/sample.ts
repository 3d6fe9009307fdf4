import type postgres from "postgres";

/** What the tables and their indexes look like at one moment. */
export interface Sample {
  /** In KiB, by name. */
  sizes: Map<string, number>;
  tables: Map<string, TableSample>;
}

export interface TableSample {
  dead: number;
  updates: number;
  hotUpdates: number;
  autovacuums: number;
}

const TABLES = ["instance", "vmm", "migration"];

export async function takeSample(sql: postgres.Sql): Promise<Sample> {
  const sizes = await sql<{ name: string; kib: number }[]>`
    select c.relname as name, (pg_relation_size(c.oid) / 1024)::float8 as kib
    from pg_class as c left join pg_index as i on i.indexrelid = c.oid
    where coalesce(i.indrelid, c.oid) = any (
      select t.oid from pg_class as t
      where t.relnamespace = 'vmstate'::regnamespace and t.relname = any (${TABLES}))
    order by i.indrelid is not null, c.relname`;
  const tables = await sql<(TableSample & { name: string })[]>`
    select relname as name, n_dead_tup::float8 as dead, n_tup_upd::float8 as updates,
      n_tup_hot_upd::float8 as "hotUpdates", autovacuum_count::float8 as autovacuums
    from pg_stat_user_tables where schemaname = 'vmstate' and relname = any (${TABLES})`;
  return {
    sizes: new Map(sizes.map(({ name, kib }) => [name, kib])),
    tables: new Map(tables.map(({ name, ...table }) => [name, table])),
  };
}
