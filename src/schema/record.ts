import type { Client } from "pg";
import type { History } from "./history.js";

/**
 * Records in node-pg-migrate's table the migrations that are missing there.
 *
 * This tool or another one may have applied them. The table is made as node-pg-migrate makes it, which a test compares.
 *
 * @param known how many migrations this version has: it records no later one
 */
export async function record(client: Client, { applied, recorded }: History, known: number): Promise<void> {
  const names = applied.slice(recorded.length, known).map(({ name }) => name);
  if (names.length === 0) return;
  await client.query(`
    create table if not exists vmstate.pgmigrations (
      id serial primary key, name varchar(255) not null, run_on timestamp not null)`);
  await client.query(
    `insert into vmstate.pgmigrations (name, run_on)
    select c.name, c.time_applied from vmstate.schema_change as c where c.name = any ($1) order by c.number`,
    [names],
  );
  // node-pg-migrate orders by run_on, and writes the time of the time zone of its session.
  await client.query(`
    update vmstate.pgmigrations as m set run_on = c.time_applied
    from vmstate.schema_change as c where c.name = m.name`);
}
