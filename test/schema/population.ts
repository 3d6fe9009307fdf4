import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import type { Vmstate } from "../../src/index.js";
import { live } from "../tools/release/upgrade/lifecycle.js";

/** Plays lifecycles of instances, each stopped one verb later than the one before, so that there are rows in all states. */
export async function populate(vm: Vmstate): Promise<void> {
  for (let verbs = 1; !(await isOver(vm, verbs)); verbs++);
}

class BrokenOff extends Error {}

async function isOver(vm: Vmstate, verbs: number): Promise<boolean> {
  let called = 0;
  const breakOff = (): void => {
    if (++called === verbs) throw new BrokenOff();
  };
  return await live(vm, randomUUID(), breakOff).then(
    () => true,
    (error: unknown) => {
      if (error instanceof BrokenOff) return false;
      throw error;
    },
  );
}

/** The rows of the tables that a copy carries, in columns that both have. */
export async function rowsOf(sql: postgres.ISql, columnsOf: postgres.ISql = sql): Promise<string[]> {
  const tables = ["instance", "vmm", "migration", "sled_agent_binding"];
  const rows = await Promise.all(
    tables.map(async (table) => {
      const columns = await columnsOf<{ name: string }[]>`
        select attname as name from pg_attribute
        where attrelid = ${`vmstate.${table}`}::text::regclass and attnum > 0 and not attisdropped order by attname`;
      const names = columns.map(({ name }) => name);
      return await sql<{ row: string }[]>`
        select ${table}::text || ' ' || to_jsonb(r)::text as row
        from (select ${sql(names)} from ${sql("vmstate")}.${sql(table)}) as r`;
    }),
  );
  return rows
    .flat()
    .map(({ row }) => row)
    .sort();
}
